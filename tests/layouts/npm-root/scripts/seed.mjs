import postgres from 'postgres';

const sql = postgres(process.env.LEDGER_DATABASE_URL ?? '');
await sql`insert into entries (amount) values (1200), (-350)`;
await sql.end();
