-- label: dangerous
-- hazard: H95
-- why: updates of a published table need a replica identity (PostgreSQL docs, Logical Replication, Publication)
-- runs: psql
-- observe: breaks UPDATE sessions SET token = 'x' WHERE user_id = 1
CREATE PUBLICATION sessions_feed FOR TABLE sessions;
