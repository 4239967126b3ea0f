CREATE TABLE "entries" (
	"id" bigserial PRIMARY KEY NOT NULL,
	"amount" bigint NOT NULL
);
