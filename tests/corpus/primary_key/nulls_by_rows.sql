-- label: data
-- hazard: H34 H30
-- why: a primary key makes its columns NOT NULL (PostgreSQL docs, Primary Keys)
-- runs: psql
-- schema: CREATE TABLE plugins (slug text, title text);
-- data: INSERT INTO plugins VALUES ('a', 'A');
-- other data: INSERT INTO plugins VALUES (NULL, 'A');
-- observe other: fails 23502
ALTER TABLE plugins ADD PRIMARY KEY (slug);
