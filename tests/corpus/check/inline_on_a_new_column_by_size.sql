-- label: data
-- hazard: H25 H31
-- why: the CHECK is tried on each row, which a few rows do not feel (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
-- schema: CREATE TABLE votes (id serial PRIMARY KEY, choice text);
-- data: INSERT INTO votes (choice) VALUES ('yes');
-- other data: INSERT INTO votes (choice) SELECT 'yes' FROM generate_series(1, 12000);
-- observe other: scans public.votes
-- observe other: lock public.votes AccessExclusiveLock
ALTER TABLE votes ADD COLUMN weight integer NOT NULL DEFAULT 1 CONSTRAINT votes_weight CHECK (weight > 0);
