-- label: dangerous
-- hazard: H60
-- why: "Orders" is made here, orders without quotes is the old table (PostgreSQL docs, Lexical Structure)
-- runs: psql
-- observe: scans public.orders
-- observe: lock public.orders ShareLock
CREATE TABLE "Orders" (id integer PRIMARY KEY, reference text);
CREATE INDEX orders_by_reference ON Orders (reference);
