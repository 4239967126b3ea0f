import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { accounts } from './accounts';

export const orders = pgTable('orders', {
  id: integer('id').primaryKey().generatedAlwaysAsIdentity(),
  accountId: integer('account_id').notNull().references(() => accounts.id),
  state: text('state').notNull().default('open'),
});
