-- label: unjudgeable
-- hazard: H101
-- why: an error is swallowed, so what stands afterwards is unknown (PostgreSQL docs, PL/pgSQL, Trapping Errors)
-- runs: drizzle
DO $$ BEGIN
 EXECUTE 'ALTER TABLE "invites" ADD CONSTRAINT "invites_fk" FOREIGN KEY ("invited_by") REFERENCES "users"("id")';
EXCEPTION
 WHEN others THEN null;
END $$;
