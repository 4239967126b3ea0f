import { integer, pgTable, timestamp } from 'drizzle-orm/pg-core';
import { items } from './items';

export const sales = pgTable('sales', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  itemId: integer('item_id').notNull().references(() => items.id),
  soldAt: timestamp('sold_at').notNull().defaultNow(),
});
