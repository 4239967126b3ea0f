-- label: safe
-- why: the table holds nothing, and only one role may read it (PostgreSQL docs, GRANT)
-- runs: psql
CREATE TABLE prices (id integer PRIMARY KEY, amount numeric);
GRANT SELECT ON prices TO app_user;
