-- label: dangerous
-- hazard: H92
-- why: what the trigger filled in stays empty (PostgreSQL docs, DROP TRIGGER)
-- runs: psql
-- schema: CREATE FUNCTION fill_code() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.code := 'NEW'; RETURN NEW; END $$; CREATE TRIGGER invites_fill BEFORE INSERT ON invites FOR EACH ROW EXECUTE FUNCTION fill_code();
-- observe: breaks INSERT INTO invites (email) VALUES ('x@example.com') RETURNING code
DROP TRIGGER invites_fill ON invites;
