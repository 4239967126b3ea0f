CREATE TABLE "workout_exercises" (
	"workout_id" uuid NOT NULL,
	"position" integer NOT NULL,
	"exercise_id" uuid NOT NULL,
	"sets" integer DEFAULT 3 NOT NULL,
	"reps" text NOT NULL,
	CONSTRAINT "workout_exercises_workout_id_position_pk" PRIMARY KEY("workout_id","position"),
	CONSTRAINT "workout_exercises_sets_check" CHECK ("workout_exercises"."sets" > 0)
);
--> statement-breakpoint
ALTER TABLE "workout_exercises" ADD CONSTRAINT "workout_exercises_workout_id_workouts_id_fk" FOREIGN KEY ("workout_id") REFERENCES "public"."workouts"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "workout_exercises" ADD CONSTRAINT "workout_exercises_exercise_id_exercises_id_fk" FOREIGN KEY ("exercise_id") REFERENCES "public"."exercises"("id") ON DELETE restrict ON UPDATE no action;