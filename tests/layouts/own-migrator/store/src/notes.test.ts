import { expect, test } from 'bun:test';
import { db } from './db';
import { notes } from './schema';

test('a note keeps its body', async () => {
  const [note] = await db.insert(notes).values({ body: 'rain' }).returning();
  expect(note?.body).toBe('rain');
});
