-- label: dangerous
-- hazard: H52
-- why: USING converts the values, and not the default
-- runs: drizzle
-- observe: fails 42804
ALTER TABLE orders ALTER COLUMN status TYPE boolean USING status = 'paid';
