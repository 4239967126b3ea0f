-- label: dangerous
-- hazard: H94
-- why: PUBLIC is every role that can connect (PostgreSQL docs, GRANT)
-- runs: psql
-- observe: opens SET LOCAL ROLE app_user; DELETE FROM sessions
GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;
