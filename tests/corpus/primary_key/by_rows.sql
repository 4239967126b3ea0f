-- label: data
-- hazard: H34 H33
-- why: duplicates or NULLs among the rows fail it (PostgreSQL docs, Primary Keys)
-- runs: drizzle
-- schema: CREATE TABLE grants (person integer, permission text);
-- data: INSERT INTO grants VALUES (1, 'read'), (1, 'write');
-- other data: INSERT INTO grants VALUES (1, 'read'), (1, 'read');
-- observe other: fails 23505
ALTER TABLE "grants" ADD CONSTRAINT "grants_pk" PRIMARY KEY("person","permission");
