import { sum } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { db } from './index.js';
import { entries } from './schema/entries.js';

test('amounts add up', async () => {
  await db.insert(entries).values([{ amount: 5 }, { amount: 7 }]);
  const [total] = await db.select({ of: sum(entries.amount) }).from(entries);
  expect(Number(total?.of)).toBeGreaterThanOrEqual(12);
});
