import { expect, test } from 'bun:test';
import { db } from '@harbour/data';
import { ships } from '@harbour/data/schema';

test('a ship keeps its title', async () => {
  const [ship] = await db.insert(ships).values({ title: 'Berta' }).returning();
  expect(ship?.title).toBe('Berta');
});

test('the preload of the package was there', () => {
  expect(process.env.TZ).toBe('UTC');
});
