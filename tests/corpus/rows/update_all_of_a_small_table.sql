-- label: safe
-- why: forty rows are written in an instant (PostgreSQL docs, Explicit Locking)
-- runs: drizzle
UPDATE "invites" SET "role" = 'member';
