-- label: dangerous
-- hazard: H81 H06
-- why: the instant ADD COLUMN keeps its lock until the slow update of another table is done (PostgreSQL docs, Explicit Locking)
-- runs: drizzle
-- observe: keeps locks
-- observe: lock public.orders AccessExclusiveLock
ALTER TABLE "orders" ADD COLUMN "channel" text;--> statement-breakpoint
UPDATE "users" SET "nickname" = 'n' WHERE "id" <= 12000;
