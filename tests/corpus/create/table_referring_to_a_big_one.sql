-- label: safe
-- why: the new table is empty, so the key is checked at once; writers of users wait an instant (PostgreSQL docs, CREATE TABLE)
-- runs: drizzle
-- observe: lock public.users ShareRowExclusiveLock
CREATE TABLE "addresses" (
	"id" serial PRIMARY KEY NOT NULL,
	"user_id" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "addresses" ADD CONSTRAINT "addresses_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "addresses_user_id" ON "addresses" USING btree ("user_id");
