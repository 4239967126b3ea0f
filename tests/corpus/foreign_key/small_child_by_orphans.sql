-- label: data
-- hazard: H32
-- why: forty rows are looked up in an instant; one of nobody fails it (PostgreSQL docs, Foreign Keys)
-- runs: psql
-- schema: CREATE TABLE hosts (id integer PRIMARY KEY);
-- data: INSERT INTO hosts SELECT generate_series(1, 40);
-- other data: INSERT INTO hosts SELECT generate_series(1, 39);
-- observe other: fails 23503
ALTER TABLE invites ADD CONSTRAINT invites_host_fk FOREIGN KEY (invited_by) REFERENCES hosts (id);
