-- label: dangerous
-- hazard: H01 H05
-- why: without CASCADE a table that a foreign key refers to cannot be dropped (PostgreSQL docs, Dependency Tracking)
-- runs: psql
-- observe: fails 2BP01
DROP TABLE users;
