-- label: dangerous
-- hazard: H100
-- why: its old name is free after a rename
-- runs: drizzle
-- observe: fails 42P01
ALTER TABLE invites RENAME TO invitations;
ALTER TABLE invites ADD COLUMN sent boolean;
