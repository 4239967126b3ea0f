-- label: safe
-- notes: H71
-- why: a value that nobody writes yet changes nothing (PostgreSQL docs, ALTER TYPE)
-- runs: drizzle
-- observe: works SELECT status, count(*) FROM orders GROUP BY status ORDER BY 1
ALTER TYPE "public"."order_status" ADD VALUE 'returned' BEFORE 'refunded';
