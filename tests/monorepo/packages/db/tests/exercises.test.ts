import { describe, expect, test } from 'bun:test';
import { db } from '@/db';
import { exercises } from '@/db/schema';
import { eq, sql } from 'drizzle-orm';
import { makeExercise, unique } from '../src/testing';

describe('exercises', () => {
  test('an exercise round-trips, equipment is optional', async () => {
    const exercise = await makeExercise({ muscleGroup: 'back' });
    const [found] = await db.select().from(exercises).where(eq(exercises.id, exercise.id));
    expect(found).toEqual(exercise);
    expect(found.equipment).toBeNull();
  });

  test('two exercises cannot share a name', async () => {
    const { name } = await makeExercise();
    const second = db.insert(exercises).values({ name, muscleGroup: 'core' }).execute();
    await expect(second).rejects.toMatchObject({
      cause: { code: '23505', constraint_name: 'exercises_name_unique' },
    });
  });

  test('an unknown muscle group is rejected', async () => {
    const insert = db.execute(
      sql`insert into exercises (name, muscle_group) values (${unique('Shrug')}, 'neck')`,
    );
    await expect(insert.execute()).rejects.toMatchObject({ cause: { code: '22P02' } });
  });
});
