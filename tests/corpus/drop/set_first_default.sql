-- label: safe
-- why: a nullable column without default had NULL for new rows; rows that are there stay (PostgreSQL docs, ALTER TABLE, SET DEFAULT)
-- runs: drizzle
-- observe: works SELECT count(nickname) FROM users
ALTER TABLE "empty_table" ALTER COLUMN "created_at" SET DEFAULT now();
