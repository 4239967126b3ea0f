-- label: dangerous
-- hazard: H63 H91
-- why: DETACH … CONCURRENTLY is refused in a transaction (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
-- schema: CREATE TABLE events (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE events_2019 PARTITION OF events FOR VALUES FROM ('2019-01-01') TO ('2020-01-01');
-- observe: fails 25001
ALTER TABLE "events" DETACH PARTITION "events_2019" CONCURRENTLY;
