-- label: dangerous
-- hazard: H24
-- why: a stored generated column is computed for each row (PostgreSQL docs, Generated Columns)
-- runs: drizzle
-- observe: rewrites public.users
ALTER TABLE "users" ADD COLUMN "email_lower" text GENERATED ALWAYS AS (lower("users"."email")) STORED;
