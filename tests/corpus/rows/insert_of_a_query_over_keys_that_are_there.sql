-- label: data
-- hazard: H06 H07
-- why: the rows of a query are compared with the keys that are there
-- runs: drizzle
-- data: INSERT INTO empty_table (id) VALUES (1000)
-- other data: INSERT INTO empty_table (id) VALUES (7)
-- observe other: fails 23505
INSERT INTO empty_table (id, name) SELECT id, email FROM invites;
