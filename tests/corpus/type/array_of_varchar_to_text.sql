-- label: dangerous
-- hazard: H50
-- why: arrays are converted element by element, although varchar alone would become text for nothing (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
-- observe: rewrites public.tagged
-- schema: CREATE TABLE tagged (tags varchar[]); INSERT INTO tagged SELECT ARRAY['a'] FROM generate_series(1, 12000);
ALTER TABLE tagged ALTER COLUMN tags TYPE text[];
