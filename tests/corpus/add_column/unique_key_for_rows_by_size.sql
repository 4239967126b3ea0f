-- label: data
-- hazard: H21
-- why: each row is computed, which a few rows do not feel (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- schema: CREATE TABLE parcels (id serial PRIMARY KEY, code text);
-- data: INSERT INTO parcels (code) VALUES ('a');
-- other data: INSERT INTO parcels (code) SELECT 'p' || g FROM generate_series(1, 12000) g;
-- observe other: rewrites public.parcels
ALTER TABLE "parcels" ADD COLUMN "tracking" uuid DEFAULT gen_random_uuid() NOT NULL;
