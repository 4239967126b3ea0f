-- label: safe
-- why: columns may be added at the end of a view (PostgreSQL docs, CREATE VIEW, OR REPLACE)
-- runs: psql
-- schema: CREATE VIEW adults AS SELECT id, email FROM users WHERE age >= 18;
-- observe: works SELECT count(email) FROM adults
CREATE OR REPLACE VIEW adults AS SELECT id, email, country FROM users WHERE age >= 18;
