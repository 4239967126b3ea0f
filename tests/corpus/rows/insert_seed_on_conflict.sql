-- label: safe
-- why: a key that is there is left alone (PostgreSQL docs, INSERT, ON CONFLICT)
-- runs: psql
-- schema: CREATE TABLE countries (code text PRIMARY KEY, name text); INSERT INTO countries VALUES ('DE', 'Germany');
INSERT INTO countries VALUES ('DE', 'Deutschland') ON CONFLICT (code) DO NOTHING;
