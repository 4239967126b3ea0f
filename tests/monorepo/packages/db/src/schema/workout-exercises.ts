import { sql } from 'drizzle-orm';
import { check, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { exercises } from './exercises';
import { workouts } from './workouts';

/** The exercises of a workout, in order. */
export const workoutExercises = pgTable(
  'workout_exercises',
  {
    workoutId: uuid('workout_id')
      .notNull()
      .references(() => workouts.id, { onDelete: 'cascade' }),
    position: integer('position').notNull(),
    exerciseId: uuid('exercise_id')
      .notNull()
      .references(() => exercises.id, { onDelete: 'restrict' }),
    sets: integer('sets').notNull().default(3),
    // As trainers write it: "10", "8-12", "AMRAP".
    reps: text('reps').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.workoutId, table.position] }),
    check('workout_exercises_sets_check', sql`${table.sets} > 0`),
  ],
);

export type WorkoutExercise = typeof workoutExercises.$inferSelect;
export type NewWorkoutExercise = typeof workoutExercises.$inferInsert;
