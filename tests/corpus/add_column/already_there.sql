-- label: dangerous
-- hazard: H100 H103
-- why: the column exists, so the whole set of files fails (PostgreSQL docs, Appendix A, 42701)
-- runs: drizzle
-- observe: fails 42701
ALTER TABLE "users" ADD COLUMN "nickname" text;
