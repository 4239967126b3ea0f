-- label: dangerous
-- hazard: H05 H11 H50
-- why: the name is a new type while a column still has the old one, under another name (PostgreSQL docs, ALTER TYPE, RENAME)
-- runs: drizzle
-- observe: breaks SELECT count(*) FROM orders WHERE status = 'paid'::order_status
ALTER TYPE "public"."order_status" RENAME TO "order_status_old";--> statement-breakpoint
CREATE TYPE "public"."order_status" AS ENUM('pending', 'paid');
