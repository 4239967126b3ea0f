-- label: dangerous
-- hazard: H02
-- why: nothing is lost, but what is deployed still selects the column (PostgreSQL docs, ALTER TABLE, DROP COLUMN)
-- runs: drizzle
-- observe: breaks SELECT id, nickname FROM users LIMIT 1
ALTER TABLE "users" DROP COLUMN "nickname";
