-- label: safe
-- why: without CASCADE a type goes only when nothing uses it (PostgreSQL docs, DROP TYPE)
-- runs: drizzle
-- schema: CREATE TYPE colour AS ENUM ('red', 'green');
DROP TYPE "public"."colour";
