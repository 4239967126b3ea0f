import { bigint, bigserial, pgTable } from 'drizzle-orm/pg-core';

export const entries = pgTable('entries', {
  id: bigserial('id', { mode: 'number' }).primaryKey(),
  amount: bigint('amount', { mode: 'number' }).notNull(),
});
