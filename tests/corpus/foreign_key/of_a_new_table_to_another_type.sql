-- label: dangerous
-- hazard: H32
-- why: the column of a new table is compared with the one that it refers to as any other is
-- runs: drizzle
-- observe: fails 42804
CREATE TABLE notes (id serial PRIMARY KEY, author integer REFERENCES users (email));
