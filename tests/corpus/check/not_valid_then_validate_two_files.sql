-- label: dangerous
-- hazard: H36
-- why: two files of one pending set are one transaction (drizzle-orm, pg-core/dialect, migrate)
-- runs: drizzle
-- observe: keeps locks
-- file: 0010_add_check.sql
ALTER TABLE "orders" ADD CONSTRAINT "orders_total_check" CHECK ("total" >= 0) NOT VALID;
-- file: 0011_validate_check.sql
ALTER TABLE "orders" VALIDATE CONSTRAINT "orders_total_check";
