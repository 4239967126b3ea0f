-- label: safe
-- why: each session takes ten numbers at once, none twice (PostgreSQL docs, ALTER SEQUENCE)
-- runs: psql
-- observe: works INSERT INTO invites (email) VALUES ('x@example.com') RETURNING email
ALTER SEQUENCE invites_id_seq CACHE 10;
