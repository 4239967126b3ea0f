-- label: data
-- hazard: H32
-- why: only rows with both columns set must be found (PostgreSQL docs, Foreign Keys, MATCH SIMPLE)
-- runs: drizzle
-- schema: CREATE TABLE plots (district integer, number integer, PRIMARY KEY (district, number)); CREATE TABLE houses (id serial PRIMARY KEY, district integer, number integer);
-- data: INSERT INTO plots VALUES (1, 1); INSERT INTO houses (district, number) VALUES (1, 1), (7, NULL);
-- other data: INSERT INTO plots VALUES (1, 1); INSERT INTO houses (district, number) VALUES (1, 1), (7, 7);
-- observe other: fails 23503
ALTER TABLE "houses" ADD CONSTRAINT "houses_plot_fk" FOREIGN KEY ("district","number") REFERENCES "public"."plots"("district","number");
