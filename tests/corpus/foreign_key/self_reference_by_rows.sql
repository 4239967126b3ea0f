-- label: data
-- hazard: H32
-- why: a parent that is not there fails it (PostgreSQL docs, Foreign Keys)
-- runs: psql
-- schema: CREATE TABLE pages (id integer PRIMARY KEY, parent_id integer);
-- data: INSERT INTO pages VALUES (1, NULL), (2, 1);
-- other data: INSERT INTO pages VALUES (2, 1);
-- observe other: fails 23503
ALTER TABLE pages ADD CONSTRAINT pages_parent_fk FOREIGN KEY (parent_id) REFERENCES pages (id);
