-- label: safe
-- why: nobody writes to the table yet (PostgreSQL docs, CREATE TRIGGER)
-- runs: psql
CREATE TABLE tickets (id serial PRIMARY KEY, at timestamptz);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at := now(); RETURN NEW; END $$;
CREATE TRIGGER tickets_touch BEFORE UPDATE ON tickets FOR EACH ROW EXECUTE FUNCTION touch();
