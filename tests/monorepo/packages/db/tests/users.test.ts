import { describe, expect, test } from 'bun:test';
import { db } from '@/db';
import { users } from '@/db/schema';
import { sql } from 'drizzle-orm';
import { makeUser, unique } from '../src/testing';

describe('users', () => {
  test('a new user is a client with an id and both timestamps', async () => {
    const email = `${unique('new')}@example.com`;
    const [user] = await db.insert(users).values({ email, name: 'New User' }).returning();
    expect(user.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(user.email).toBe(email);
    expect(user.role).toBe('client');
    expect(user.createdAt).toBeInstanceOf(Date);
    expect(user.updatedAt).toEqual(user.createdAt);
  });

  test('two users cannot share an email', async () => {
    const { email } = await makeUser();
    const second = db.insert(users).values({ email, name: 'Second' }).execute();
    await expect(second).rejects.toMatchObject({
      cause: { code: '23505', constraint_name: 'users_email_unique' },
    });
  });

  test('a user needs an email', async () => {
    const insert = db.execute(sql`insert into users (email, name) values (null, 'No address')`);
    await expect(insert.execute()).rejects.toMatchObject({
      cause: { code: '23502', column_name: 'email' },
    });
  });

  test('an unknown role is rejected', async () => {
    const cast = db.execute(sql`select 'owner'::user_role`);
    await expect(cast.execute()).rejects.toMatchObject({ cause: { code: '22P02' } });
  });
});
