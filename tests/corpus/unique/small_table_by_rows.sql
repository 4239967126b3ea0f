-- label: data
-- hazard: H33
-- why: one code that is there twice fails it (PostgreSQL docs, Unique Constraints)
-- runs: drizzle
-- other data: UPDATE invites SET code = 'CODE1' WHERE id = 2;
-- observe other: fails 23505
ALTER TABLE "invites" ADD CONSTRAINT "invites_code_unique" UNIQUE("code");
