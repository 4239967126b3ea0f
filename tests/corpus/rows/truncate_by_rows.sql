-- label: data
-- hazard: H04
-- why: an empty table loses nothing (PostgreSQL docs, TRUNCATE)
-- runs: drizzle
-- other data: INSERT INTO empty_table (name) VALUES ('kept');
-- observe other: loses public.empty_table
TRUNCATE TABLE "empty_table";
