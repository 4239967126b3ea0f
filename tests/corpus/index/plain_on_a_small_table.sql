-- label: safe
-- why: forty rows are sorted in an instant (PostgreSQL docs, CREATE INDEX)
-- runs: drizzle
CREATE INDEX "invites_invited_by_index" ON "invites" USING btree ("invited_by");
