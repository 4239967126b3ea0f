-- label: dangerous
-- hazard: H52
-- why: the text default has no cast to the enum, so the change of type fails (PostgreSQL docs, ALTER TABLE, SET DATA TYPE)
-- runs: drizzle
-- observe: fails 42804
CREATE TYPE "public"."invite_role" AS ENUM('member', 'owner');--> statement-breakpoint
ALTER TABLE "invites" ALTER COLUMN "role" SET DATA TYPE "public"."invite_role" USING "role"::"public"."invite_role";
