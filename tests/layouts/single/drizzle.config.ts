import { defineConfig } from 'drizzle-kit';
import { databaseUrl } from './src/db/url';

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./src/db/items.ts', './src/db/sales.ts'],
  dbCredentials: { url: databaseUrl() },
});
