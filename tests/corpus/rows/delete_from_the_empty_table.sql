-- label: data
-- hazard: H06
-- why: without rows there is nothing to lose (PostgreSQL docs, DELETE)
-- runs: drizzle
-- other data: INSERT INTO empty_table (name) VALUES ('kept');
-- observe other: loses public.empty_table
DELETE FROM "empty_table";
