-- label: safe
-- why: forty rows are rewritten in an instant (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- observe: rewrites public.invites
ALTER TABLE "invites" ADD COLUMN "public_id" uuid DEFAULT gen_random_uuid() NOT NULL;
