-- label: dangerous
-- hazard: H05
-- why: a trigger needs its function
-- runs: drizzle
-- schema: CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$
-- schema: CREATE TRIGGER orders_touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch()
-- observe: fails 2BP01
DROP FUNCTION touch();
