-- label: dangerous
-- hazard: H92
-- why: CREATE OR REPLACE cannot take a column away (PostgreSQL docs, CREATE VIEW)
-- runs: psql
-- schema: CREATE VIEW adults AS SELECT id, email, country FROM users WHERE age >= 18;
-- observe: fails 42P16
CREATE OR REPLACE VIEW adults AS SELECT id, email FROM users WHERE age >= 18;
