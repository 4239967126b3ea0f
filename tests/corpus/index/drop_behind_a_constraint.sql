-- label: dangerous
-- hazard: H62
-- why: the index belongs to a constraint and cannot be dropped alone (PostgreSQL docs, DROP INDEX)
-- runs: drizzle
-- observe: fails 2BP01
DROP INDEX "users_email_key";
