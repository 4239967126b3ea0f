-- label: dangerous
-- hazard: H70 H103
-- why: without IF NOT EXISTS a label that is there fails the set (PostgreSQL docs, ALTER TYPE)
-- runs: drizzle
-- observe: fails 42710
ALTER TYPE "public"."order_status" ADD VALUE 'paid';
