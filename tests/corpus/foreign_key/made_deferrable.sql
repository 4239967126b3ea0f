-- label: safe
-- why: only when it is checked changes, which is a catalog entry (PostgreSQL docs, ALTER TABLE, ALTER CONSTRAINT)
-- runs: psql
ALTER TABLE orders ALTER CONSTRAINT orders_user_id_fkey DEFERRABLE INITIALLY DEFERRED;
