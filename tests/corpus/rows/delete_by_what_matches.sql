-- label: data
-- hazard: H06
-- why: whether rows match decides what is lost (PostgreSQL docs, DELETE)
-- runs: psql
-- other data: UPDATE invites SET accepted_at = '2019-05-05' WHERE id = 12;
-- observe other: loses public.invites
DELETE FROM invites WHERE accepted_at < '2020-01-01';
