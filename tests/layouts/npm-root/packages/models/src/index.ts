import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import * as schema from './schema/entries.js';

export const db = drizzle(postgres(process.env.LEDGER_DATABASE_URL ?? ''), { schema });
