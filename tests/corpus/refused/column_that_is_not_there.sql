-- label: dangerous
-- hazard: H100
-- why: nothing is known of a column without its table's having it
-- runs: drizzle
-- observe: fails 42703
ALTER TABLE users ALTER COLUMN emial SET DEFAULT '';
