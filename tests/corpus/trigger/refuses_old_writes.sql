-- label: dangerous
-- hazard: H92
-- why: the new trigger raises for what the old code writes (PostgreSQL docs, CREATE TRIGGER)
-- runs: psql
-- observe: breaks INSERT INTO invites (email) VALUES ('x@example.com')
-- observe: lock public.invites ShareRowExclusiveLock
CREATE FUNCTION need_code() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.code IS NULL THEN RAISE 'no code'; END IF; RETURN NEW; END $$;
CREATE TRIGGER invites_need_code BEFORE INSERT ON invites FOR EACH ROW EXECUTE FUNCTION need_code();
