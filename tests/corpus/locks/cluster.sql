-- label: dangerous
-- hazard: H85
-- why: the table is written anew in the order of the index (PostgreSQL docs, CLUSTER)
-- runs: psql
-- observe: rewrites public.orders
-- observe: lock public.orders AccessExclusiveLock
CLUSTER orders USING orders_user_id_idx;
