import { describe, expect, test } from 'bun:test';
import { makeSession, makeUser, unique } from '@ownfit/db/testing';
import * as users from './users';

describe('users.get', () => {
  test('gives the profile of a user', async () => {
    const { id, email, name, role } = await makeUser({ role: 'trainer' });
    expect(await users.get({ id })).toEqual({ id, email, name, role });
  });

  test('refuses an unknown id', async () => {
    const missing = users.get({ id: crypto.randomUUID() });
    await expect(missing).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('users.list', () => {
  test('finds users by a part of their name', async () => {
    const name = unique('Findable');
    const { id } = await makeUser({ name });
    expect(await users.list({ name: name.slice(2) })).toEqual([{ id, name, role: 'client' }]);
  });

  test('gives nobody for an unknown name', async () => {
    expect(await users.list({ name: unique('Nobody') })).toEqual([]);
  });

  test('keeps to the role and the limit', async () => {
    const name = unique('Team');
    for (const role of ['trainer', 'trainer', 'client'] as const) await makeUser({ name, role });
    expect(await users.list({ name, role: 'trainer' })).toHaveLength(2);
    expect(await users.list({ name, limit: 1 })).toHaveLength(1);
  });
});

describe('users.update', () => {
  test('changes the email, in lower case', async () => {
    const { id } = await makeUser();
    const email = `${unique('Changed')}@example.com`;
    expect((await users.update({ id, email })).email).toBe(email.toLowerCase());
  });

  test('leaves alone what is not named', async () => {
    const before = await makeUser();
    const after = await users.update({ id: before.id, name: 'Renamed' });
    expect(after).toEqual({
      id: before.id,
      email: before.email,
      name: 'Renamed',
      role: before.role,
    });
  });
});

describe('users.countActive', () => {
  test('counts users with a completed session', async () => {
    await makeSession({ status: 'completed' });
    expect(await users.countActive()).toBeGreaterThanOrEqual(1);
  });
});
