-- label: safe
-- why: a temporary table is the session's own (PostgreSQL docs, CREATE TABLE)
-- runs: psql
CREATE TEMPORARY TABLE chosen AS SELECT id FROM invites WHERE invited_by > 20;
CREATE INDEX ON chosen (id);
SELECT count(*) FROM chosen;
DROP TABLE chosen;
