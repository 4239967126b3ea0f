-- label: data
-- hazard: H33
-- why: a pair that is there twice fails it (PostgreSQL docs, Unique Constraints)
-- runs: drizzle
-- schema: CREATE TABLE likes (post integer NOT NULL, person integer NOT NULL);
-- data: INSERT INTO likes VALUES (1, 1), (1, 2), (2, 1);
-- other data: INSERT INTO likes VALUES (1, 1), (1, 2), (1, 1);
-- observe other: fails 23505
ALTER TABLE "likes" ADD CONSTRAINT "likes_post_person_unique" UNIQUE("post","person");
