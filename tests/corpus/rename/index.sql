-- label: safe
-- why: queries do not name indexes (PostgreSQL docs, ALTER INDEX)
-- runs: psql
ALTER INDEX orders_user_id_idx RENAME TO orders_user_id_index;
