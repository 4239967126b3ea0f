-- label: data
-- hazard: H06
-- why: how many rows match decides how long they are locked (PostgreSQL docs, Explicit Locking)
-- runs: psql
-- data: UPDATE users SET nickname = 'x' WHERE id < 10;
-- other data: UPDATE users SET nickname = 'x' WHERE id <= 15000;
-- observe other: writes public.users
UPDATE users SET nickname = 'y' WHERE nickname = 'x';
