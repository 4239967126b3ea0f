-- label: safe
-- notes: H82
-- why: three instant changes could be one statement (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
ALTER TABLE "orders" ADD COLUMN "a" text;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "b" text;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "c" text;
