-- label: safe
-- notes: H104
-- why: a name longer than 63 bytes is cut off with a notice (PostgreSQL docs, Lexical Structure)
-- runs: drizzle
CREATE TABLE "subscription_renewal_notification_preferences_by_organisation_unit_x" (
	"id" serial PRIMARY KEY NOT NULL
);
