-- label: dangerous
-- hazard: H10
-- why: the change is instant, and the old name fails at once (PostgreSQL docs, ALTER TABLE, RENAME)
-- runs: drizzle
-- observe: breaks SELECT phone FROM users LIMIT 1
ALTER TABLE "users" RENAME COLUMN "phone" TO "phone_number";
