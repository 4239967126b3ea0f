import { expect, test } from 'bun:test';
import { databaseUrl } from '../src/url';

test('the database comes from DATABASE_URL, and a missing one is said clearly', () => {
  expect(databaseUrl({ DATABASE_URL: ' postgres://localhost/ownfit ' })).toBe(
    'postgres://localhost/ownfit',
  );
  expect(() => databaseUrl({})).toThrow('DATABASE_URL is not set');
  expect(() => databaseUrl({ DATABASE_URL: ' ' })).toThrow('DATABASE_URL is not set');
});
