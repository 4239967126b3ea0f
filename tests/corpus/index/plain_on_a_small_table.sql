-- label: data
-- hazard: H60
-- why: forty rows are sorted in an instant, many are not (PostgreSQL docs, CREATE INDEX)
-- runs: drizzle
-- other data: INSERT INTO invites (email, invited_by) SELECT 'more' || g || '@example.com', g FROM generate_series(1, 15000) g;
-- observe other: scans public.invites
-- observe other: lock public.invites ShareLock
CREATE INDEX "invites_invited_by_index" ON "invites" USING btree ("invited_by");
