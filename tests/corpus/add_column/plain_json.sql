-- label: safe
-- notes: H26
-- why: json has no equality, so DISTINCT over it fails; the column itself is only a catalog entry (PostgreSQL docs, JSON Types)
-- runs: drizzle
ALTER TABLE "users" ADD COLUMN "preferences" json;
