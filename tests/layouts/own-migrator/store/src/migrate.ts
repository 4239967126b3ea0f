import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { migrationsSchema, migrationsTable } from './books';
import { db, pool } from './db';

await migrate(db, { migrationsFolder: './migrations', migrationsTable, migrationsSchema });
await pool.end();
