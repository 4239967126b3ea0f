-- label: data
-- hazard: H85
-- why: a table that is LOGGED stays as it is
-- runs: drizzle
-- other data: ALTER TABLE sessions SET UNLOGGED
-- observe other: rewrites public.sessions
ALTER TABLE sessions SET LOGGED;
