-- label: data
-- hazard: H72
-- why: the small table is rewritten in an instant unless a row holds the removed value (PostgreSQL docs, Enumerated Types)
-- runs: drizzle
-- schema: CREATE TYPE size AS ENUM ('s', 'm', 'l'); CREATE TABLE shirts (id serial PRIMARY KEY, size size);
-- data: INSERT INTO shirts (size) VALUES ('s'), ('m');
-- other data: INSERT INTO shirts (size) VALUES ('s'), ('l');
-- observe other: fails 22P02
ALTER TABLE "shirts" ALTER COLUMN "size" SET DATA TYPE text;--> statement-breakpoint
DROP TYPE "public"."size";--> statement-breakpoint
CREATE TYPE "public"."size" AS ENUM('s', 'm');--> statement-breakpoint
ALTER TABLE "shirts" ALTER COLUMN "size" SET DATA TYPE "public"."size" USING "size"::"public"."size";
