-- label: safe
-- why: a comment is a catalog entry (PostgreSQL docs, COMMENT)
-- runs: psql
COMMENT ON TABLE users IS 'who may log in';
COMMENT ON COLUMN users.phone IS 'in E.164; DROP TABLE users;';
