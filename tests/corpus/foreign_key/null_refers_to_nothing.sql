-- label: safe
-- notes: H39
-- why: a row with NULL in the key passes, and the child has no rows that refer (PostgreSQL docs, Foreign Keys)
-- runs: psql
-- data: UPDATE invites SET invited_by = NULL;
ALTER TABLE invites ADD CONSTRAINT invites_place_fk FOREIGN KEY (invited_by) REFERENCES empty_table (id);
