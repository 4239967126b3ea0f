-- label: dangerous
-- hazard: H01
-- why: the archive copies only half of the rows before the table goes (PostgreSQL docs, DROP TABLE)
-- runs: psql
-- observe: loses public.invites
-- observe: breaks SELECT count(*) FROM invites
BEGIN;
CREATE TABLE invites_archive AS SELECT * FROM invites WHERE id <= 20;
DROP TABLE invites;
COMMIT;
