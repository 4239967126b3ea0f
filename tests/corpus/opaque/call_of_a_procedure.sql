-- label: unjudgeable
-- hazard: H101
-- why: what a procedure does is not to be seen where it is called (PostgreSQL docs, CALL)
-- runs: drizzle
-- schema: CREATE PROCEDURE tidy(days integer) LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('DELETE FROM invites WHERE accepted_at < now() - interval ''%s days''', days); END $$;
CALL tidy(365);
