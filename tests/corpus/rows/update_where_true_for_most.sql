-- label: dangerous
-- hazard: H06
-- why: the WHERE holds for fifteen thousand rows, which are locked together (PostgreSQL docs, Explicit Locking)
-- runs: psql
-- observe: writes public.users
UPDATE users SET phone = replace(phone, ' ', '') WHERE phone IS NOT NULL;
