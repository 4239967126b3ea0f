-- label: dangerous
-- hazard: H52
-- why: there is no cast from text on assignment, so it fails even on an empty table (PostgreSQL docs, ALTER TABLE, SET DATA TYPE)
-- runs: drizzle
-- observe: fails 42804
ALTER TABLE "empty_table" ALTER COLUMN "name" SET DATA TYPE integer;
