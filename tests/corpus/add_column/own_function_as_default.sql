-- label: dangerous
-- hazard: H21
-- why: a function is volatile unless it says otherwise, so each row is computed (PostgreSQL docs, Function Volatility Categories)
-- runs: psql
-- schema: CREATE FUNCTION short_code() RETURNS text LANGUAGE sql AS $$ SELECT substr(md5(random()::text), 1, 8) $$;
-- observe: rewrites public.users
ALTER TABLE users ADD COLUMN referral text DEFAULT short_code();
