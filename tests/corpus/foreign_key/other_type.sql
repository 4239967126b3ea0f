-- label: dangerous
-- hazard: H32
-- why: text and integer have no common equality (PostgreSQL docs, Foreign Keys)
-- runs: drizzle
-- observe: fails 42804
ALTER TABLE "empty_table" ADD CONSTRAINT "empty_table_name_fk" FOREIGN KEY ("name") REFERENCES "users"("id");
