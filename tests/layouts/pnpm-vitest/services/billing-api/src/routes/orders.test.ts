import { expect, test } from 'vitest';
import { open } from './orders';

test('a new order is open', async () => {
  expect(await open(`${crypto.randomUUID()}@acme.example`)).toBe('open');
});
