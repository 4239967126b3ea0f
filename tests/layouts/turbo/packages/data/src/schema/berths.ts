import { integer, pgTable, uuid } from 'drizzle-orm/pg-core';
import { ships } from './ships';

export const berths = pgTable('berths', {
  number: integer('number').primaryKey(),
  shipId: uuid('ship_id').references(() => ships.id),
});
