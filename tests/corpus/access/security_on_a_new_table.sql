-- label: safe
-- why: nobody reads the table yet (PostgreSQL docs, Row Security Policies)
-- runs: drizzle
CREATE TABLE "secrets" (
	"id" serial PRIMARY KEY NOT NULL,
	"owner" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "secrets" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE POLICY "secrets_own" ON "secrets" AS PERMISSIVE FOR ALL TO public USING ("secrets"."owner" = current_user);
