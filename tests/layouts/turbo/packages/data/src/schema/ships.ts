import { pgTable, text, uuid } from 'drizzle-orm/pg-core';

export const ships = pgTable('ships', {
  id: uuid('id').primaryKey().defaultRandom(),
  title: text('title').notNull(),
});
