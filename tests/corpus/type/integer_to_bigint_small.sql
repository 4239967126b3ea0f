-- label: data
-- hazard: H50
-- why: forty rows are rewritten in an instant, many are not (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- other data: INSERT INTO invites (email, invited_by) SELECT 'more' || g || '@example.com', g FROM generate_series(1, 15000) g;
-- observe other: rewrites public.invites
ALTER TABLE "invites" ALTER COLUMN "invited_by" SET DATA TYPE bigint;
