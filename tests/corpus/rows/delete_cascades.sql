-- label: dangerous
-- hazard: H06
-- why: ON DELETE CASCADE takes the rows that refer (PostgreSQL docs, Foreign Keys)
-- runs: psql
-- schema: CREATE TABLE groups (id integer PRIMARY KEY); CREATE TABLE group_notes (group_id integer REFERENCES groups ON DELETE CASCADE, note text);
-- data: INSERT INTO groups VALUES (1), (2); INSERT INTO group_notes VALUES (1, 'a'), (2, 'b');
-- observe: loses public.group_notes
DELETE FROM groups WHERE id = 1;
