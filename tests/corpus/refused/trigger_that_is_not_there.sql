-- label: dangerous
-- hazard: H100 H92
-- why: a trigger belongs to one table
-- runs: drizzle
-- schema: CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$
-- schema: CREATE TRIGGER orders_touch BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch()
-- observe: fails 42704
DROP TRIGGER orders_touch ON users;
