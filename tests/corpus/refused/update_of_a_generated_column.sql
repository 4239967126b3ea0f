-- label: dangerous
-- hazard: H100
-- why: a generated column has no other value than its own
-- runs: drizzle
-- schema: ALTER TABLE invites ADD COLUMN doubled integer GENERATED ALWAYS AS (id * 2) STORED
-- observe: fails 428C9
UPDATE invites SET doubled = 2 WHERE id = 1;
