-- label: dangerous
-- hazard: H100
-- why: an identity column draws its values from its own sequence
-- runs: drizzle
-- observe: fails 42601
ALTER TABLE users ALTER COLUMN id SET DEFAULT 0;
