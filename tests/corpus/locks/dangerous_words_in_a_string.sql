-- label: safe
-- why: what stands between quotes is a value (PostgreSQL docs, Lexical Structure)
-- runs: psql
INSERT INTO invites (email, code) VALUES ('x@example.com', 'DROP TABLE users; -- not run');
/* TRUNCATE users; */
