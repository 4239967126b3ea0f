-- label: dangerous
-- hazard: H01 H12
-- why: the new table has the same columns and none of the rows (PostgreSQL docs, ALTER TABLE, RENAME)
-- runs: drizzle
-- observe: loses public.invites
-- observe: breaks SELECT email FROM invites LIMIT 1
CREATE TABLE "invitations" (
	"id" serial PRIMARY KEY NOT NULL,
	"email" varchar(100) NOT NULL,
	"code" text,
	"role" text DEFAULT 'member' NOT NULL,
	"invited_by" integer,
	"weight" numeric(8, 2),
	"accepted_at" timestamp
);
--> statement-breakpoint
DROP TABLE "invites" CASCADE;
