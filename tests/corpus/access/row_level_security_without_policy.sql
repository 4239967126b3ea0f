-- label: dangerous
-- hazard: H94
-- why: with row security and no policy other roles see no row (PostgreSQL docs, Row Security Policies)
-- runs: drizzle
-- observe: breaks SET LOCAL ROLE app_user; SELECT count(*) FROM orders
ALTER TABLE "orders" ENABLE ROW LEVEL SECURITY;
