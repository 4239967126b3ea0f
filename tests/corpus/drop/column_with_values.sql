-- label: dangerous
-- hazard: H02
-- why: the values are not reachable afterwards, and old queries name the column (PostgreSQL docs, ALTER TABLE, DROP COLUMN)
-- runs: drizzle
-- observe: loses public.users.phone
-- observe: breaks SELECT phone FROM users LIMIT 1
ALTER TABLE "users" DROP COLUMN "phone";
