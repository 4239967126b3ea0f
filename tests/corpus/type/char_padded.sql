-- label: dangerous
-- hazard: H50
-- why: varchar to char pads every value and so writes the table anew (PostgreSQL docs, Character Types)
-- runs: psql
-- observe: rewrites public.users
ALTER TABLE users ALTER COLUMN country TYPE char(3);
