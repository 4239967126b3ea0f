-- label: safe
-- why: each statement is a transaction over a range of the key (PostgreSQL docs, UPDATE)
-- runs: psql
UPDATE users SET nickname = name WHERE id BETWEEN 1 AND 5000 AND nickname IS NULL;
UPDATE users SET nickname = name WHERE id BETWEEN 5001 AND 10000 AND nickname IS NULL;
UPDATE users SET nickname = name WHERE id BETWEEN 10001 AND 15000 AND nickname IS NULL;
UPDATE users SET nickname = name WHERE id > 15000 AND nickname IS NULL;
