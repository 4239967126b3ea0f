import { drizzle } from 'drizzle-orm/postgres-js';
import postgres from 'postgres';
import { accounts } from './tables/accounts';
import { orders } from './tables/orders';

const client = postgres(process.env.POSTGRES_URL ?? '', { onnotice: () => {} });

export const database = drizzle(client, { schema: { accounts, orders } });
