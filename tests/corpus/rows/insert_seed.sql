-- label: safe
-- why: a few new rows touch nobody (PostgreSQL docs, INSERT)
-- runs: drizzle
INSERT INTO "invites" ("email", "role") VALUES ('first@example.com', 'owner'), ('second@example.com', 'member');
