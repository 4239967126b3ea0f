-- label: safe
-- why: the body is plain SQL that older kits wrote: a type is made unless it is there (PostgreSQL docs, DO)
-- runs: drizzle
DO $$ BEGIN
 CREATE TYPE "public"."mood" AS ENUM('sad', 'ok', 'happy');
EXCEPTION
 WHEN duplicate_object THEN null;
END $$;
