-- label: dangerous
-- hazard: H32 H38
-- why: the key is made again with another rule, which checks every order anew (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
-- observe: scans public.orders
ALTER TABLE "orders" DROP CONSTRAINT "orders_user_id_fkey";--> statement-breakpoint
ALTER TABLE "orders" ADD CONSTRAINT "orders_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE cascade ON UPDATE no action;
