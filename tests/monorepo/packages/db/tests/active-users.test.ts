import { describe, expect, test } from 'bun:test';
import { db } from '@/db';
import { activeUsers } from '@/db/schema';
import { eq } from 'drizzle-orm';
import { makeSession, makeUser } from '../src/testing';

describe('active_users', () => {
  test('shows a user once, however many sessions were completed', async () => {
    const client = await makeUser();
    const { workoutId } = await makeSession({ clientId: client.id, status: 'completed' });
    await makeSession({ clientId: client.id, workoutId, status: 'completed' });
    const rows = await db.select().from(activeUsers).where(eq(activeUsers.id, client.id));
    expect(rows).toEqual([{ id: client.id, email: client.email }]);
  });

  test('hides a user who only planned or cancelled', async () => {
    const { clientId, workoutId } = await makeSession({ status: 'planned' });
    await makeSession({ clientId, workoutId, status: 'cancelled' });
    expect(await db.$count(activeUsers, eq(activeUsers.id, clientId))).toBe(0);
  });
});
