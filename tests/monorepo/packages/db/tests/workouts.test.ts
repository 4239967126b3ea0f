import { describe, expect, test } from 'bun:test';
import { db } from '@/db';
import { exercises, users, workoutExercises, workouts } from '@/db/schema';
import { eq } from 'drizzle-orm';
import { makeExercise, makeWorkout } from '../src/testing';

describe('workouts', () => {
  test('a workout needs an existing trainer', async () => {
    const insert = db
      .insert(workouts)
      .values({ trainerId: crypto.randomUUID(), title: 'Nobody leads this' })
      .execute();
    await expect(insert).rejects.toMatchObject({ cause: { code: '23503' } });
  });

  test('workouts leave with their trainer', async () => {
    const workout = await makeWorkout();
    await db.delete(users).where(eq(users.id, workout.trainerId));
    expect(await db.$count(workouts, eq(workouts.id, workout.id))).toBe(0);
  });
});

describe('workout exercises', () => {
  test('no sets are rejected', async () => {
    const insert = db
      .insert(workoutExercises)
      .values({
        workoutId: crypto.randomUUID(),
        position: 1,
        exerciseId: crypto.randomUUID(),
        sets: 0,
        reps: '10',
      })
      .execute();
    await expect(insert).rejects.toMatchObject({
      cause: { code: '23514', constraint_name: 'workout_exercises_sets_check' },
    });
  });

  test('an exercise in use cannot be deleted', async () => {
    const workout = await makeWorkout();
    const exercise = await makeExercise();
    await db
      .insert(workoutExercises)
      .values({ workoutId: workout.id, position: 1, exerciseId: exercise.id, reps: '8-12' });
    const remove = db.delete(exercises).where(eq(exercises.id, exercise.id)).execute();
    await expect(remove).rejects.toMatchObject({ cause: { code: '23503' } });
  });
});
