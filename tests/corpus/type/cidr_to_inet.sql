-- label: safe
-- notes: H51
-- why: every cidr is an inet as it is stored (PostgreSQL docs, Network Address Types)
-- runs: psql
-- schema: CREATE TABLE networks (net cidr); INSERT INTO networks SELECT '10.0.0.0/8' FROM generate_series(1, 12000);
ALTER TABLE networks ALTER COLUMN net TYPE inet;
