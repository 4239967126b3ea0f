SELECT count(*) FROM "users";
