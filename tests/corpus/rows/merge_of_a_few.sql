-- label: safe
-- why: three rows are matched by key and written (PostgreSQL docs, MERGE)
-- runs: psql
MERGE INTO invites i USING (VALUES (1, 'owner'), (2, 'owner'), (3, 'guest')) AS v(id, role) ON i.id = v.id
  WHEN MATCHED THEN UPDATE SET role = v.role;
