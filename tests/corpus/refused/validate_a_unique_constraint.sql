-- label: dangerous
-- hazard: H100
-- why: only checks and foreign keys are validated
-- runs: drizzle
-- observe: fails 42809
ALTER TABLE users VALIDATE CONSTRAINT users_email_key;
