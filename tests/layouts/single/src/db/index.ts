import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { databaseUrl } from './url';

const connection = drizzle(postgres(databaseUrl(), { onnotice: () => {} }));

export { connection as db };
