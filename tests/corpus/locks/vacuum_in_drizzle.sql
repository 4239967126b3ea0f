-- label: dangerous
-- hazard: H63 H85
-- why: VACUUM is refused in a transaction (PostgreSQL docs, VACUUM)
-- runs: drizzle
-- observe: fails 25001
VACUUM "orders";
