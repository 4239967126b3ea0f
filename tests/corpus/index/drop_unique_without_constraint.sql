-- label: dangerous
-- hazard: H62 H38
-- why: the unique index was the rule behind ON CONFLICT (PostgreSQL docs, INSERT)
-- runs: drizzle
-- schema: CREATE UNIQUE INDEX invites_code_index ON invites (code);
-- observe: breaks INSERT INTO invites (email, code) VALUES ('x@example.com', 'CODE1') ON CONFLICT (code) DO NOTHING
DROP INDEX "invites_code_index";
