-- label: data
-- hazard: H52
-- why: a number beyond 2147483647 fails it (PostgreSQL docs, Numeric Types)
-- runs: drizzle
-- schema: CREATE TABLE balances (id serial PRIMARY KEY, cents bigint);
-- data: INSERT INTO balances (cents) VALUES (100);
-- other data: INSERT INTO balances (cents) VALUES (3000000000);
-- observe other: fails 22003
ALTER TABLE "balances" ALTER COLUMN "cents" SET DATA TYPE integer;
