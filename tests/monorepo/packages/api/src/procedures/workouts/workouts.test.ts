import { describe, expect, test } from 'bun:test';
import { makeExercise, makeUser, makeWorkout } from '@ownfit/db/testing';
import { parseReps } from './reps';
import * as workouts from './workouts';

describe('workouts.create', () => {
  test('creates a workout of a trainer', async () => {
    const trainer = await makeUser({ role: 'trainer' });
    const workout = await workouts.create({ trainerId: trainer.id, title: ' Leg day ' });
    expect(workout).toMatchObject({ trainerId: trainer.id, title: 'Leg day', description: null });
  });

  test('refuses an empty title', async () => {
    const empty = workouts.create({ trainerId: crypto.randomUUID(), title: ' ' });
    await expect(empty).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('workouts.list', () => {
  test('counts the exercises of each workout', async () => {
    const trainer = await makeUser({ role: 'trainer', name: 'Listed Trainer' });
    const full = await makeWorkout({ trainerId: trainer.id, title: 'A full one' });
    await makeWorkout({ trainerId: trainer.id, title: 'An empty one' });
    for (const reps of ['10', '8-12']) {
      const exercise = await makeExercise();
      await workouts.addExercise({ workoutId: full.id, exerciseId: exercise.id, sets: 3, reps });
    }
    expect(await workouts.list({ trainerId: trainer.id })).toMatchObject([
      { title: 'A full one', trainerName: 'Listed Trainer', exerciseCount: 2 },
      { title: 'An empty one', trainerName: 'Listed Trainer', exerciseCount: 0 },
    ]);
  });

  test('gives none for an unknown trainer', async () => {
    expect(await workouts.list({ trainerId: crypto.randomUUID() })).toEqual([]);
  });
});

describe('workouts.addExercise', () => {
  test('appends at the end', async () => {
    const [workout, exercise] = [await makeWorkout(), await makeExercise()];
    const entry = { workoutId: workout.id, exerciseId: exercise.id, sets: 4 };
    await workouts.addExercise({ ...entry, reps: '5' });
    const added = await workouts.addExercise({ ...entry, reps: 'amrap' });
    expect(added).toMatchObject({ position: 2, sets: 4, reps: 'AMRAP' });
  });
});

describe('workouts.schedule', () => {
  test('plans a session for a client', async () => {
    const [workout, client] = [await makeWorkout(), await makeUser()];
    const scheduledAt = new Date('2026-03-02T09:00:00Z');
    const session = await workouts.schedule({
      workoutId: workout.id,
      clientId: client.id,
      scheduledAt,
      durationMinutes: 45,
    });
    expect(session).toMatchObject({ status: 'planned', scheduledAt, durationMinutes: 45 });
  });
});

describe('reps', () => {
  test('are a number, a range or AMRAP, and nothing else', () => {
    expect(['10', ' 8 - 12 ', 'amrap'].map(parseReps)).toEqual(['10', '8-12', 'AMRAP']);
    expect(['', '0', '12-8', 'many', '-5'].map(parseReps)).toEqual([null, null, null, null, null]);
  });
});
