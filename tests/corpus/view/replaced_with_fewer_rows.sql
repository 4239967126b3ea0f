-- label: dangerous
-- hazard: H92
-- why: the same name gives other rows to running code (PostgreSQL docs, CREATE VIEW)
-- runs: psql
-- schema: CREATE VIEW adults AS SELECT id, email FROM users WHERE age >= 18;
-- observe: breaks SELECT count(*) FROM adults
CREATE OR REPLACE VIEW adults AS SELECT id, email FROM users WHERE age >= 21;
