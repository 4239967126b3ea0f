-- label: dangerous
-- hazard: H70
-- why: a new value cannot be used before it is committed (PostgreSQL docs, ALTER TYPE, Notes)
-- runs: drizzle
-- observe: fails 55P04
ALTER TYPE "public"."order_status" ADD VALUE 'returned';--> statement-breakpoint
UPDATE "orders" SET "status" = 'returned' WHERE "id" = 1;
