-- label: safe
-- notes: H22
-- why: an expression of stable functions and constants is evaluated once (PostgreSQL docs, ALTER TABLE, Notes)
-- runs: psql
ALTER TABLE users ADD COLUMN terms_until date NOT NULL DEFAULT CURRENT_DATE + 365;
