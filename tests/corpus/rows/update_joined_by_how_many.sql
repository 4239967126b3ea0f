-- label: data
-- hazard: H06
-- why: how many rows find one in the other table decides how long they are locked (PostgreSQL docs, UPDATE, FROM)
-- runs: psql
-- schema: CREATE TABLE corrections (user_id integer PRIMARY KEY, nickname text);
-- data: INSERT INTO corrections SELECT g, 'c' || g FROM generate_series(1, 9) g;
-- other data: INSERT INTO corrections SELECT g, 'c' || g FROM generate_series(1, 15000) g;
-- observe other: writes public.users
UPDATE users AS u SET nickname = c.nickname FROM corrections c WHERE c.user_id = u.id;
