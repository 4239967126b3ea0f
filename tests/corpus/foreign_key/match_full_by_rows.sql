-- label: data
-- hazard: H32
-- why: MATCH FULL refuses a key that is half NULL (PostgreSQL docs, Foreign Keys)
-- runs: psql
-- schema: CREATE TABLE plots (district integer, number integer, PRIMARY KEY (district, number)); CREATE TABLE houses (id serial PRIMARY KEY, district integer, number integer);
-- data: INSERT INTO houses (district, number) VALUES (NULL, NULL);
-- other data: INSERT INTO houses (district, number) VALUES (7, NULL);
-- observe other: fails 23503
ALTER TABLE houses ADD CONSTRAINT houses_plot_fk FOREIGN KEY (district, number) REFERENCES plots (district, number) MATCH FULL;
