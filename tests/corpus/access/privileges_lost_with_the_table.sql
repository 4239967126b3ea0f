-- label: dangerous
-- hazard: H94 H01
-- why: the table comes back with all rows and without its grants (PostgreSQL docs, GRANT)
-- runs: psql
-- schema: CREATE TABLE labels (id integer, label text); GRANT SELECT ON labels TO app_user;
-- data: INSERT INTO labels VALUES (1, 'a');
-- observe: breaks SET LOCAL ROLE app_user; SELECT label FROM labels
BEGIN;
CREATE TABLE labels_new AS SELECT id, label FROM labels;
DROP TABLE labels;
ALTER TABLE labels_new RENAME TO labels;
COMMIT;
