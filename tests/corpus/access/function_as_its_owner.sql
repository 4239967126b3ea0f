-- label: dangerous
-- hazard: H94
-- why: SECURITY DEFINER lets everybody read with the rights of the owner (PostgreSQL docs, CREATE FUNCTION)
-- runs: psql
-- observe: opens SET LOCAL ROLE app_user; SELECT count(*) FROM all_tokens()
CREATE FUNCTION all_tokens() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS $$ SELECT token FROM public.sessions $$;
