-- label: dangerous
-- hazard: H11
-- why: nextval with the old name fails, the default of the column follows (PostgreSQL docs, ALTER SEQUENCE)
-- runs: psql
-- observe: breaks SELECT last_value FROM invites_id_seq
ALTER SEQUENCE invites_id_seq RENAME TO invitations_id_seq;
