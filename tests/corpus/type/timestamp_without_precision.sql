-- label: safe
-- notes: H51
-- why: taking the limit away keeps every value (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
-- schema: CREATE TABLE pings (at timestamp(3)); INSERT INTO pings SELECT now() FROM generate_series(1, 12000);
ALTER TABLE pings ALTER COLUMN at TYPE timestamp;
