-- label: data
-- hazard: H32
-- notes: H39
-- why: a row with NULL in the key passes, one that refers to nothing fails it (PostgreSQL docs, Foreign Keys)
-- runs: psql
-- data: UPDATE invites SET invited_by = NULL;
-- other data: UPDATE invites SET invited_by = 7 WHERE id = 3;
-- observe other: fails 23503
ALTER TABLE invites ADD CONSTRAINT invites_place_fk FOREIGN KEY (invited_by) REFERENCES empty_table (id);
