-- label: dangerous
-- hazard: H32
-- why: what is referred to needs a unique constraint (PostgreSQL docs, Foreign Keys)
-- runs: psql
-- observe: fails 42830
ALTER TABLE empty_table ADD CONSTRAINT empty_table_name_fk FOREIGN KEY (name) REFERENCES users (name);
