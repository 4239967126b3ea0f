-- label: safe
-- why: no query names a CHECK, only messages do (PostgreSQL docs, ALTER TABLE, RENAME CONSTRAINT)
-- runs: drizzle
-- schema: ALTER TABLE users ADD CONSTRAINT users_age_check CHECK (age > 0);
-- observe: works INSERT INTO users (email, age) VALUES ('new@example.com', 30) RETURNING email
ALTER TABLE "users" RENAME CONSTRAINT "users_age_check" TO "users_age_positive";
