import { pgEnum, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

export const muscleGroup = pgEnum('muscle_group', ['legs', 'back', 'chest', 'arms', 'core']);

/** The catalogue that all trainers share. */
export const exercises = pgTable('exercises', {
  id: uuid('id').primaryKey().defaultRandom(),
  name: text('name').notNull().unique(),
  muscleGroup: muscleGroup('muscle_group').notNull(),
  equipment: text('equipment'),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  updatedAt: timestamp('updated_at', { withTimezone: true }).notNull().defaultNow(),
});

export type Exercise = typeof exercises.$inferSelect;
export type NewExercise = typeof exercises.$inferInsert;
