-- label: dangerous
-- hazard: H06
-- why: the whole table is copied into one that is in use, in one statement (PostgreSQL docs, INSERT)
-- runs: psql
-- schema: CREATE TABLE mail_queue (id serial PRIMARY KEY, address text);
-- observe: writes public.mail_queue
INSERT INTO mail_queue (address) SELECT email FROM users;
