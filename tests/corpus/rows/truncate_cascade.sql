-- label: dangerous
-- hazard: H04
-- why: CASCADE empties every table that refers, here the orders (PostgreSQL docs, TRUNCATE)
-- runs: psql
-- observe: loses public.orders
-- observe: loses public.users
TRUNCATE users CASCADE;
