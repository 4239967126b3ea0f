-- label: safe
-- why: no query names this constraint, only messages do (PostgreSQL docs, ALTER TABLE, RENAME CONSTRAINT)
-- runs: drizzle
-- observe: works INSERT INTO users (email) VALUES ('user1@example.com') ON CONFLICT (email) DO NOTHING RETURNING email
ALTER TABLE "users" RENAME CONSTRAINT "users_email_key" TO "users_email_unique";
