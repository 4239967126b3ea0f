-- label: data
-- hazard: H20
-- why: NOT NULL without default holds only while the table is empty (PostgreSQL docs, ALTER TABLE, ADD COLUMN)
-- runs: drizzle
-- schema: CREATE TABLE coupons (id serial PRIMARY KEY, code text NOT NULL);
-- other data: INSERT INTO coupons (code) VALUES ('SPRING');
-- observe other: fails 23502
ALTER TABLE "coupons" ADD COLUMN "percent" integer NOT NULL;
