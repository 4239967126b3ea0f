-- label: safe
-- why: both files are pending, so the table is still empty when the second comes (drizzle-orm, pg-core/dialect, migrate)
-- runs: drizzle
-- file: 0001_wishlists.sql
CREATE TABLE "wishlists" (
	"id" serial PRIMARY KEY NOT NULL,
	"title" text
);
-- file: 0002_wishlists_owner.sql
ALTER TABLE "wishlists" ADD COLUMN "owner_id" integer NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "wishlists_title" ON "wishlists" USING btree ("title");
