-- label: dangerous
-- hazard: H38
-- why: ON CONFLICT needs a unique constraint on its columns (PostgreSQL docs, INSERT, ON CONFLICT)
-- runs: drizzle
-- observe: breaks INSERT INTO users (email) VALUES ('user1@example.com') ON CONFLICT (email) DO NOTHING
ALTER TABLE "users" DROP CONSTRAINT "users_email_key";
