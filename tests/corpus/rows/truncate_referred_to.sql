-- label: dangerous
-- hazard: H04
-- why: a table that a foreign key refers to is not truncated without CASCADE (PostgreSQL docs, TRUNCATE)
-- runs: drizzle
-- observe: fails 0A000
TRUNCATE TABLE "users";
