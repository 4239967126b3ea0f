-- label: safe
-- notes: H104
-- why: int keys, char(n), money and timestamp without zone are matters of taste until they overflow (PostgreSQL docs, Data Types)
-- runs: psql
CREATE TABLE prices (id serial PRIMARY KEY, currency char(3), amount money, valid_from timestamp, ratio float4);
