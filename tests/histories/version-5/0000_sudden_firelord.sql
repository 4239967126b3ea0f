CREATE TABLE IF NOT EXISTS "users" (
	"email" text NOT NULL
);
