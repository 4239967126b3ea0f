-- label: dangerous
-- hazard: H30
-- why: a fourth of the phones is NULL (PostgreSQL docs, ALTER TABLE, SET NOT NULL)
-- runs: drizzle
-- observe: fails 23502
ALTER TABLE "users" ALTER COLUMN "phone" SET NOT NULL;
