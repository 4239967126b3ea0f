import { expect, test } from 'bun:test';
import { db } from '~/db';
import { items } from '~/db/items';

test('an item has a label', async () => {
  const [item] = await db.insert(items).values({ label: 'tea' }).returning();
  expect(item?.label).toBe('tea');
});
