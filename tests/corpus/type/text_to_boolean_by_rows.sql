-- label: data
-- hazard: H52
-- why: text that is no truth value fails the cast (PostgreSQL docs, Boolean Type)
-- runs: drizzle
-- schema: CREATE TABLE flags (id serial PRIMARY KEY, value text);
-- data: INSERT INTO flags (value) VALUES ('yes'), ('off');
-- other data: INSERT INTO flags (value) VALUES ('maybe');
-- observe other: fails 22P02
ALTER TABLE "flags" ALTER COLUMN "value" SET DATA TYPE boolean USING "value"::boolean;
