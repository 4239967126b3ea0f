import { defineConfig } from 'drizzle-kit';

export default defineConfig({
  dialect: 'postgresql',
  schema: './packages/models/src/schema/*.ts',
  out: './packages/models/migrations',
  dbCredentials: { url: process.env.LEDGER_DATABASE_URL ?? '' },
  migrations: { prefix: 'unix', table: 'migrations' },
});
