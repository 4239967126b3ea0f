-- label: safe
-- why: new functions and types take nothing away (PostgreSQL docs, CREATE EXTENSION)
-- runs: drizzle
CREATE EXTENSION IF NOT EXISTS "pg_trgm";
