-- label: dangerous
-- hazard: H05
-- why: a view holds no rows, but it is read (PostgreSQL docs, DROP VIEW)
-- runs: drizzle
-- schema: CREATE VIEW adults AS SELECT id, email FROM users WHERE age >= 18;
-- observe: breaks SELECT id FROM adults LIMIT 1
DROP VIEW "public"."adults";
