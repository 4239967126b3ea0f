-- label: data
-- hazard: H34 H33
-- why: the new key must be unique among the rows that are there (PostgreSQL docs, Primary Keys)
-- runs: drizzle
-- schema: CREATE TABLE stations (id integer PRIMARY KEY, code text NOT NULL);
-- data: INSERT INTO stations VALUES (1, 'a'), (2, 'b');
-- other data: INSERT INTO stations VALUES (1, 'a'), (2, 'a');
-- observe other: fails 23505
ALTER TABLE "stations" DROP CONSTRAINT "stations_pkey";--> statement-breakpoint
ALTER TABLE "stations" ADD PRIMARY KEY ("code");
