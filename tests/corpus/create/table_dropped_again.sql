-- label: safe
-- why: what is dropped was made by the same file and never seen by anybody (PostgreSQL docs, DROP TABLE)
-- runs: psql
BEGIN;
CREATE TABLE import_buffer (line text);
INSERT INTO import_buffer VALUES ('a'), ('b');
INSERT INTO invites (email) SELECT line || '@example.com' FROM import_buffer;
DROP TABLE import_buffer;
COMMIT;
