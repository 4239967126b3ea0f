-- label: dangerous
-- hazard: H11
-- why: a cast in the old code names the type (PostgreSQL docs, ALTER TYPE)
-- runs: drizzle
-- observe: breaks SELECT count(*) FROM orders WHERE status = 'paid'::order_status
ALTER TYPE "public"."order_status" RENAME TO "order_state";
