import { describe, expect, test } from 'bun:test';
import { makeUser, unique } from '@ownfit/db/testing';
import * as auth from './auth';
import { createToken, inviteExpiry } from './token';

describe('auth.login', () => {
  test('finds the account in any capitalisation', async () => {
    const user = await makeUser();
    const found = await auth.login({ email: ` ${user.email.toUpperCase()} ` });
    expect(found).toEqual({ userId: user.id, sentTo: user.email });
  });

  test('refuses an unknown address', async () => {
    const unknown = auth.login({ email: `${unique('nobody')}@example.com` });
    await expect(unknown).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('auth.invite', () => {
  test('invites an address for a week', async () => {
    const inviter = await makeUser({ role: 'trainer' });
    const email = `${unique('Guest')}@example.com`;
    const invite = await auth.invite({ email, invitedBy: inviter.id });
    expect(invite.email).toBe(email.toLowerCase());
    expect(invite.acceptedAt).toBeNull();
    expect(invite.expiresAt.getTime()).toBeGreaterThan(Date.now() + 6 * 86_400_000);
  });

  test('refuses the address of a member', async () => {
    const member = await makeUser();
    const invite = auth.invite({ email: member.email, invitedBy: member.id });
    await expect(invite).rejects.toMatchObject({ code: 'already_member' });
  });
});

describe('auth.pendingInvites', () => {
  test('gives the open invites of an address', async () => {
    const inviter = await makeUser({ role: 'trainer' });
    const email = `${unique('guest')}@example.com`;
    const { id } = await auth.invite({ email, invitedBy: inviter.id });
    expect(await auth.pendingInvites({ email: email.toUpperCase() })).toEqual([
      { id, email, expiresAt: expect.any(String) },
    ]);
  });

  test('gives none for an address that nobody invited', async () => {
    expect(await auth.pendingInvites({ email: `${unique('nobody')}@example.com` })).toEqual([]);
  });
});

describe('invite tokens', () => {
  test('are safe in a link, never the same, and last seven days', () => {
    expect(createToken()).toMatch(/^[\w-]{43}$/);
    expect(createToken()).not.toBe(createToken());
    expect(inviteExpiry(new Date('2026-03-02T09:00:00Z'))).toEqual(
      new Date('2026-03-09T09:00:00Z'),
    );
  });
});
