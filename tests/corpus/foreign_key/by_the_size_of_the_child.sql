-- label: data
-- hazard: H32
-- why: writers of both tables wait as long as the child is read (PostgreSQL docs, ALTER TABLE)
-- runs: drizzle
-- schema: CREATE TABLE hosts (id integer PRIMARY KEY); CREATE TABLE stays (id serial PRIMARY KEY, host_id integer); INSERT INTO hosts VALUES (1);
-- data: INSERT INTO stays (host_id) VALUES (1);
-- other data: INSERT INTO stays (host_id) SELECT 1 FROM generate_series(1, 12000);
-- observe other: scans public.stays
-- observe other: lock public.hosts ShareRowExclusiveLock
ALTER TABLE "stays" ADD CONSTRAINT "stays_host_id_hosts_id_fk" FOREIGN KEY ("host_id") REFERENCES "public"."hosts"("id") ON DELETE cascade ON UPDATE no action;
