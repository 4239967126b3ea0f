-- label: safe
-- why: a table that begins here has no rows and no readers, whatever is built on it (PostgreSQL docs, CREATE TABLE)
-- runs: drizzle
CREATE TABLE "carts" (
	"id" serial PRIMARY KEY NOT NULL,
	"owner" uuid DEFAULT gen_random_uuid() NOT NULL,
	"slug" varchar(20) NOT NULL,
	CONSTRAINT "carts_slug_unique" UNIQUE("slug")
);
--> statement-breakpoint
ALTER TABLE "carts" ADD COLUMN "state" text NOT NULL;--> statement-breakpoint
CREATE INDEX "carts_owner_index" ON "carts" USING btree ("owner");--> statement-breakpoint
ALTER TABLE "carts" ALTER COLUMN "state" SET NOT NULL;--> statement-breakpoint
ALTER TABLE "carts" ALTER COLUMN "slug" SET DATA TYPE text;
