-- label: data
-- hazard: H61
-- why: a duplicate fails it (PostgreSQL docs, CREATE INDEX)
-- runs: drizzle
-- other data: UPDATE invites SET code = 'CODE1';
-- observe other: fails 23505
CREATE UNIQUE INDEX "invites_code_index" ON "invites" USING btree ("code");
