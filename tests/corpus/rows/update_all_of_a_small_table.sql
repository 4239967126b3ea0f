-- label: data
-- hazard: H06
-- why: forty rows are written in an instant, many are not (PostgreSQL docs, Explicit Locking)
-- runs: drizzle
-- other data: INSERT INTO invites (email, invited_by) SELECT 'more' || g || '@example.com', g FROM generate_series(1, 15000) g;
-- observe other: writes public.invites
UPDATE "invites" SET "role" = 'member';
