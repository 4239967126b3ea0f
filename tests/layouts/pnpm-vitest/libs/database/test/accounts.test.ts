import { expect, test } from 'vitest';
import { database } from '../src';
import { accounts } from '../src/tables/accounts';

test('an account has an id', async () => {
  const email = `${crypto.randomUUID()}@acme.example`;
  const [account] = await database.insert(accounts).values({ email }).returning();
  expect(account?.id).toBeGreaterThan(0);
});
