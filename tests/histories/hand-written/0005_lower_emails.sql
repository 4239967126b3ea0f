-- Written by hand, and entered in the journal by hand.
UPDATE "users" SET "email" = "normalized"("email");
