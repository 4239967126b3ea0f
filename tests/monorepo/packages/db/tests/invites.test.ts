import { describe, expect, test } from 'bun:test';
import { db } from '@/db';
import { invites } from '@/db/schema';
import { makeUser, unique } from '../src/testing';

const expiresAt = new Date('2026-03-09T09:00:00Z');

describe('invites', () => {
  test('an address can be invited twice, a token is used once', async () => {
    const { id: invitedBy } = await makeUser({ role: 'trainer' });
    const email = `${unique('guest')}@example.com`;
    const token = unique('token');
    await db.insert(invites).values({ email, token, invitedBy, expiresAt });
    await db.insert(invites).values({ email, token: unique('token'), invitedBy, expiresAt });
    const reused = db.insert(invites).values({ email, token, invitedBy, expiresAt }).execute();
    await expect(reused).rejects.toMatchObject({
      cause: { code: '23505', constraint_name: 'invites_token_unique' },
    });
  });

  test('an invite needs an existing inviter', async () => {
    const insert = db
      .insert(invites)
      .values({
        email: `${unique('guest')}@example.com`,
        token: unique('token'),
        invitedBy: crypto.randomUUID(),
        expiresAt,
      })
      .execute();
    await expect(insert).rejects.toMatchObject({ cause: { code: '23503' } });
  });
});
