-- label: dangerous
-- hazard: H02 H12
-- why: a column dropped and one of its type added is a rename without the values (PostgreSQL docs, ALTER TABLE, RENAME)
-- runs: drizzle
-- observe: loses public.users.phone
-- observe: breaks SELECT phone FROM users LIMIT 1
ALTER TABLE "users" ADD COLUMN "phone_number" text;--> statement-breakpoint
ALTER TABLE "users" DROP COLUMN "phone";
