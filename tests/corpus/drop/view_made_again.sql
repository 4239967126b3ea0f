-- label: safe
-- why: the view is back with the same columns before the transaction ends (PostgreSQL docs, CREATE VIEW)
-- runs: drizzle
-- schema: CREATE VIEW adults AS SELECT id, email FROM users WHERE age > 17;
-- observe: works SELECT count(email) FROM adults
DROP VIEW "public"."adults";--> statement-breakpoint
CREATE VIEW "public"."adults" AS (select "id", "email", "age" from "users" where "users"."age" >= 18);
