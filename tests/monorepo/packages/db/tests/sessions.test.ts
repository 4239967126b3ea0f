import { describe, expect, test } from 'bun:test';
import { db } from '@/db';
import { sessions, workouts } from '@/db/schema';
import { eq } from 'drizzle-orm';
import { makeSession } from '../src/testing';

const unrelated = () => ({
  workoutId: crypto.randomUUID(),
  clientId: crypto.randomUUID(),
  scheduledAt: new Date('2026-03-02T09:00:00Z'),
});

describe('sessions', () => {
  test('a new session is planned and takes an hour', async () => {
    const session = await makeSession();
    expect(session.status).toBe('planned');
    expect(session.durationMinutes).toBe(60);
    expect(session.notes).toBeNull();
  });

  test('a session without duration is rejected', async () => {
    const insert = db
      .insert(sessions)
      .values({ ...unrelated(), durationMinutes: 0 })
      .execute();
    await expect(insert).rejects.toMatchObject({
      cause: { code: '23514', constraint_name: 'sessions_duration_minutes_check' },
    });
  });

  test('a session needs an existing workout and client', async () => {
    const insert = db.insert(sessions).values(unrelated()).execute();
    await expect(insert).rejects.toMatchObject({ cause: { code: '23503' } });
  });

  test('sessions leave with their workout', async () => {
    const session = await makeSession();
    await db.delete(workouts).where(eq(workouts.id, session.workoutId));
    expect(await db.$count(sessions, eq(sessions.id, session.id))).toBe(0);
  });
});
