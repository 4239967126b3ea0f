CREATE TABLE "users" (
	"email" text NOT NULL
);
