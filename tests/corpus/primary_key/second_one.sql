-- label: dangerous
-- hazard: H34
-- why: a table has one primary key (PostgreSQL docs, Primary Keys)
-- runs: psql
-- observe: fails 42P16
ALTER TABLE invites ADD PRIMARY KEY (email);
