-- label: safe
-- why: ONLY builds nothing, each partition is indexed beside its writers (PostgreSQL docs, Table Partitioning, Partition Maintenance)
-- runs: psql
-- schema: CREATE TABLE measures (at date NOT NULL, v integer) PARTITION BY RANGE (at); CREATE TABLE measures_2029 PARTITION OF measures FOR VALUES FROM ('2029-01-01') TO ('2030-01-01');
-- data: INSERT INTO measures SELECT '2029-05-05', g FROM generate_series(1, 12000) g;
CREATE INDEX measures_v ON ONLY measures (v);
CREATE INDEX CONCURRENTLY measures_2029_v ON measures_2029 (v);
ALTER INDEX measures_v ATTACH PARTITION measures_2029_v;
