import type { Config } from 'drizzle-kit';
import { migrationsSchema, migrationsTable } from '../src/books';

export default {
  dialect: 'postgresql',
  schema: './src/schema.ts',
  out: './migrations',
  migrations: { table: migrationsTable, schema: migrationsSchema, prefix: 'timestamp' },
} satisfies Config;
