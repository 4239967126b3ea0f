-- label: data
-- hazard: H31
-- why: one range that ends before it begins fails it (PostgreSQL docs, Check Constraints)
-- runs: drizzle
-- schema: CREATE TABLE seasons (id serial PRIMARY KEY, starts date NOT NULL, ends date);
-- data: INSERT INTO seasons (starts, ends) VALUES ('2029-01-01', '2029-03-01'), ('2029-05-01', NULL);
-- other data: INSERT INTO seasons (starts, ends) VALUES ('2029-01-01', '2028-03-01');
-- observe other: fails 23514
ALTER TABLE "seasons" ADD CONSTRAINT "seasons_in_order" CHECK ("seasons"."ends" >= "seasons"."starts");
