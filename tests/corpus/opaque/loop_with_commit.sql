-- label: unjudgeable
-- hazard: H101
-- why: a loop over ids commits on its own, how many rows each turn writes is not to be seen (PostgreSQL docs, PL/pgSQL, Transaction Management)
-- runs: psql
DO $$
DECLARE changed integer := 1;
BEGIN
  WHILE changed > 0 LOOP
    UPDATE users SET nickname = name WHERE id IN (SELECT id FROM users WHERE nickname IS NULL ORDER BY id LIMIT 5000);
    GET DIAGNOSTICS changed = ROW_COUNT;
    COMMIT;
  END LOOP;
END $$;
