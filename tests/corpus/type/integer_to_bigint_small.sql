-- label: safe
-- why: forty rows are rewritten in an instant (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: drizzle
-- observe: rewrites public.invites
ALTER TABLE "invites" ALTER COLUMN "invited_by" SET DATA TYPE bigint;
