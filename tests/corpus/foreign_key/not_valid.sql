-- label: safe
-- why: nothing is looked up, both locks last an instant (PostgreSQL docs, ALTER TABLE, NOT VALID)
-- runs: drizzle
-- schema: CREATE INDEX ON invites (invited_by);
-- observe: lock public.users ShareRowExclusiveLock
ALTER TABLE "invites" ADD CONSTRAINT "invites_invited_by_fk" FOREIGN KEY ("invited_by") REFERENCES "users"("id") NOT VALID;
