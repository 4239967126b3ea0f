-- label: dangerous
-- hazard: H02 H38
-- why: the constraint over the column goes silently with it, so ON CONFLICT fails (PostgreSQL docs, ALTER TABLE, DROP COLUMN)
-- runs: psql
-- schema: CREATE TABLE memberships (team integer, person integer, note text, UNIQUE (team, person));
-- data: INSERT INTO memberships VALUES (1, 1), (1, 2);
-- observe: breaks INSERT INTO memberships (team) VALUES (1) ON CONFLICT (team, person) DO NOTHING
-- observe: loses public.memberships.person
ALTER TABLE memberships DROP COLUMN person;
