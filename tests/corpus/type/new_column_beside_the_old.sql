-- label: safe
-- why: a column and a trigger that fills it for new rows; the old rows follow later in batches (PostgreSQL docs, ALTER TABLE; Triggers)
-- runs: psql
-- observe: works UPDATE users SET age = 30 WHERE id = 1 RETURNING age
SET lock_timeout = '1s';
ALTER TABLE users ADD COLUMN age_big bigint;
CREATE FUNCTION copy_age() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.age_big := NEW.age; RETURN NEW; END $$;
CREATE TRIGGER users_copy_age BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION copy_age();
