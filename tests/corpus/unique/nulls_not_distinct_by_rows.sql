-- label: data
-- hazard: H33
-- why: a second NULL is a duplicate here (PostgreSQL docs, Unique Constraints, NULLS NOT DISTINCT)
-- runs: drizzle
-- schema: CREATE TABLE badges (id serial PRIMARY KEY, number text);
-- data: INSERT INTO badges (number) VALUES ('1'), (NULL);
-- other data: INSERT INTO badges (number) VALUES (NULL), (NULL);
-- observe other: fails 23505
ALTER TABLE "badges" ADD CONSTRAINT "badges_number_unique" UNIQUE NULLS NOT DISTINCT("number");
