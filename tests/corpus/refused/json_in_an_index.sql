-- label: dangerous
-- hazard: H100
-- why: json has no order and no equality
-- runs: drizzle
-- schema: ALTER TABLE empty_table ADD COLUMN payload json
-- observe: fails 42704
CREATE INDEX empty_table_payload_idx ON empty_table (payload);
