-- label: safe
-- notes: H38
-- why: every row and every statement that passed before passes now (PostgreSQL docs, Check Constraints)
-- runs: drizzle
-- schema: ALTER TABLE invites ADD CONSTRAINT invites_role_check CHECK (role IN ('member', 'owner'));
-- observe: works UPDATE invites SET role = 'owner' WHERE id = 1 RETURNING role
ALTER TABLE "invites" DROP CONSTRAINT "invites_role_check";
