-- label: data
-- hazard: H31
-- why: one row outside the list fails it (PostgreSQL docs, Check Constraints)
-- runs: drizzle
-- other data: UPDATE invites SET role = 'MEMBER' WHERE id = 3;
-- observe other: fails 23514
ALTER TABLE "invites" ADD CONSTRAINT "invites_role_check" CHECK ("invites"."role" in ('member', 'owner'));
