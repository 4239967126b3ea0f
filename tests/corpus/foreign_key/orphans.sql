-- label: dangerous
-- hazard: H32
-- why: an order of a user that does not exist is there (PostgreSQL docs, Foreign Keys)
-- runs: drizzle
-- data: UPDATE sessions SET user_id = 99999 WHERE user_id = 5;
-- observe: fails 23503
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_user_fk" FOREIGN KEY ("user_id") REFERENCES "users"("id");
