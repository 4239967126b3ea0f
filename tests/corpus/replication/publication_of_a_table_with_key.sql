-- label: safe
-- why: the primary key identifies the rows (PostgreSQL docs, CREATE PUBLICATION)
-- runs: psql
-- observe: works UPDATE invites SET role = 'owner' WHERE id = 1 RETURNING role
CREATE PUBLICATION feed FOR TABLE invites;
