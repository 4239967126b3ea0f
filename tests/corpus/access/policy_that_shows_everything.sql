-- label: safe
-- notes: H94
-- why: the permissive policy lets the role see and write every row (PostgreSQL docs, CREATE POLICY)
-- runs: drizzle
-- observe: works SET LOCAL ROLE app_user; SELECT count(*) FROM orders
ALTER TABLE "orders" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "orders_all" ON "orders" AS PERMISSIVE FOR ALL TO "app_user" USING (true) WITH CHECK (true);
