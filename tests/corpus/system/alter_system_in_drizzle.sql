-- label: dangerous
-- hazard: H96 H63
-- why: ALTER SYSTEM is refused in a transaction (PostgreSQL docs, ALTER SYSTEM)
-- runs: drizzle
-- observe: fails 25001
ALTER SYSTEM SET deadlock_timeout = '2s';
