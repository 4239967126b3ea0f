import { expect, test } from 'bun:test';
import { arrive } from './arrivals';

test('an arrival is noted by its title', async () => {
  expect(await arrive('Clara')).toBe('Clara');
});

test('a port has a name', () => {
  expect('Harbour').toHaveLength(7);
});
