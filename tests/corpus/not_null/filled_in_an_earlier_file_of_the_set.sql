-- label: dangerous
-- hazard: H06 H30 H81
-- why: two files of one pending set are one transaction, the rows are rewritten and read in it (drizzle-orm, pg-core/dialect, migrate)
-- runs: drizzle
-- observe: writes public.users
-- observe: scans public.users
-- file: 0007_fill_nickname.sql
UPDATE "users" SET "nickname" = "email" WHERE "nickname" IS NULL;
-- file: 0008_require_nickname.sql
ALTER TABLE "users" ALTER COLUMN "nickname" SET NOT NULL;
