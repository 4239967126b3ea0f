-- label: data
-- hazard: H21
-- why: forty rows are rewritten in an instant, many are not (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- other data: INSERT INTO invites (email, invited_by) SELECT 'more' || g || '@example.com', g FROM generate_series(1, 15000) g;
-- observe other: rewrites public.invites
ALTER TABLE "invites" ADD COLUMN "public_id" uuid DEFAULT gen_random_uuid() NOT NULL;
