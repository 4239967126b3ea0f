-- label: data
-- hazard: H60
-- why: writers wait as long as the table is big (PostgreSQL docs, CREATE INDEX)
-- runs: drizzle
-- schema: CREATE TABLE clicks (id serial PRIMARY KEY, target text);
-- data: INSERT INTO clicks (target) VALUES ('a');
-- other data: INSERT INTO clicks (target) SELECT '/' || g FROM generate_series(1, 15000) g;
-- observe other: lock public.clicks ShareLock
-- observe other: scans public.clicks
CREATE INDEX "clicks_target_index" ON "clicks" USING btree ("target");
