-- label: dangerous
-- hazard: H60
-- why: the table made here is archive.orders, the index goes on public.orders (PostgreSQL docs, Schemas)
-- runs: psql
-- schema: CREATE SCHEMA archive;
-- observe: lock public.orders ShareLock
-- observe: scans public.orders
CREATE TABLE archive.orders (LIKE public.orders INCLUDING DEFAULTS);
CREATE INDEX orders_reference_idx ON public.orders (reference);
