-- label: safe
-- why: the type is made by the same file (PostgreSQL docs, ALTER TYPE)
-- runs: psql
CREATE TYPE channel AS ENUM ('mail', 'phone');
ALTER TYPE channel RENAME VALUE 'phone' TO 'call';
