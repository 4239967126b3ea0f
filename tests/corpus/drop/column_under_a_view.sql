-- label: dangerous
-- hazard: H02 H05
-- why: a view needs the column, so the statement fails without CASCADE (PostgreSQL docs, Dependency Tracking)
-- runs: drizzle
-- schema: CREATE VIEW callers AS SELECT id, phone FROM users;
-- observe: fails 2BP01
ALTER TABLE "users" DROP COLUMN "phone";
