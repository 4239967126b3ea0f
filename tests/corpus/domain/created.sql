-- label: safe
-- notes: H40
-- why: no column uses a domain that begins here (PostgreSQL docs, CREATE DOMAIN)
-- runs: psql
CREATE DOMAIN postcode AS text CHECK (VALUE ~ '^[0-9]{5}$');
