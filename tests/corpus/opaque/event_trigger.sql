-- label: unjudgeable
-- hazard: H101
-- why: an event trigger runs its function at every later DDL (PostgreSQL docs, Event Triggers)
-- runs: psql
CREATE FUNCTION note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1'; END $$;
CREATE EVENT TRIGGER note_all ON ddl_command_end EXECUTE FUNCTION note_ddl();
