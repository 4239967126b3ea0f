-- label: dangerous
-- hazard: H70
-- why: both files are one transaction, and the default names the uncommitted value (PostgreSQL docs, ALTER TYPE, Notes)
-- runs: drizzle
-- observe: fails 55P04
-- file: 0012_draft.sql
ALTER TYPE "public"."order_status" ADD VALUE 'draft' BEFORE 'pending';
-- file: 0013_draft_default.sql
ALTER TABLE "orders" ALTER COLUMN "status" SET DEFAULT 'draft';
