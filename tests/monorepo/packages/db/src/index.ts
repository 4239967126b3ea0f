import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import * as schema from './schema';
import { databaseUrl } from './url';

/** One pool for the process. Only programs that end by themselves (the seed) may close it. */
export const client = postgres(databaseUrl(), { max: 4, onnotice: () => {} });

export const db = drizzle(client, { schema });
