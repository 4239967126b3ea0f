-- label: data
-- hazard: H06 H30 H81
-- why: many rows are filled and checked while nobody may read or write (PostgreSQL docs, Explicit Locking)
-- runs: drizzle
-- other data: INSERT INTO invites (email, invited_by) SELECT 'more' || g || '@example.com', g FROM generate_series(1, 15000) g;
-- observe other: writes public.invites
-- observe other: scans public.invites
ALTER TABLE "invites" ADD COLUMN "label" text;--> statement-breakpoint
UPDATE "invites" SET "label" = "email";--> statement-breakpoint
ALTER TABLE "invites" ALTER COLUMN "label" SET NOT NULL;
