-- label: data
-- hazard: H61
-- why: two values that differ only in case are one under lower() (PostgreSQL docs, Indexes on Expressions)
-- runs: drizzle
-- other data: UPDATE invites SET email = 'GUEST2@example.com' WHERE id = 1;
-- observe other: fails 23505
CREATE UNIQUE INDEX "invites_email_lower" ON "invites" USING btree (lower("email"));
