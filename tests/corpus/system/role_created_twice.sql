-- label: dangerous
-- hazard: H96 H103
-- why: roles belong to the whole cluster, and this one is there (PostgreSQL docs, CREATE ROLE)
-- runs: psql
-- observe: fails 42710
CREATE ROLE app_user LOGIN;
