import { describe, expect, test } from {runner};
{database}
{schema}
import { getTableColumns, sql, type SQL, type Table } from 'drizzle-orm';

{spread}type Transaction = Parameters<Parameters<typeof db.transaction>[0]>[0];
type Row = Record<string, unknown>;

class RolledBack extends Error {}

/** Runs a test in a transaction of its own; nothing that it writes stays. */
async function rolledBack(work: (tx: Transaction) => Promise<void>): Promise<void> {
  const run = db.transaction(async (tx) => {
    await work(tx);
    throw new RolledBack();
  });
  await run.catch((error: unknown) => {
    if (!(error instanceof RolledBack)) throw error;
  });
}

async function rows(tx: Transaction, query: SQL): Promise<Row[]> {
  const result: unknown = await tx.execute(query);
  return (Array.isArray(result) ? result : (result as { rows: Row[] }).rows) as Row[];
}

/** 'accepted', or the SQLSTATE with which the database refuses a piece of work. */
async function attempt(tx: Transaction, work: (inner: Transaction) => Promise<unknown>): Promise<string> {
  try {
    await tx.transaction(async (inner) => {
      await work(inner);
    });
    return 'accepted';
  } catch (error) {
    const { code, cause } = error as { code?: string; cause?: { code?: string } };
    return cause?.code ?? code ?? String(error);
  }
}

/** 'accepted', or the SQLSTATE with which the database refuses a statement. */
function outcome(tx: Transaction, query: SQL): Promise<string> {
  return attempt(tx, (inner) => Promise.resolve(inner.execute(query)));
}

/** The columns that the database has now. */
async function columnsOf(tx: Transaction, schemaName: string, table: string): Promise<string[]> {
  const found = await rows(
    tx,
    sql`select column_name from information_schema.columns where table_schema = ${schemaName} and table_name = ${table}`,
  );
  return found.map((row) => String(row.column_name));
}

/** The columns that the schema files give a table; none where they have no such export. */
function columnsInSchema(name: string): string[] {
  const table = (schema as unknown as Record<string, Table | undefined>)[name];
  return table === undefined ? [] : Object.values(getTableColumns(table)).map((column) => column.name);
}

/** Inserts one row; values for columns that the database doesn't have (yet, or any more) are left out. */
async function insert(tx: Transaction, schemaName: string, table: string, values: Record<string, SQL>): Promise<Row> {
  const present = await columnsOf(tx, schemaName, table);
  const entries = Object.entries(values).filter(([name]) => present.includes(name));
  const into = sql`${sql.identifier(schemaName)}.${sql.identifier(table)}`;
  const names = sql.join(entries.map(([name]) => sql.identifier(name)), sql`, `);
  const given = sql.join(entries.map(([, value]) => value), sql`, `);
  const written = entries.length === 0
    ? sql`insert into ${into} default values returning *`
    : sql`insert into ${into} (${names}) values (${given}) returning *`;
  const [row] = await rows(tx, written);
  if (row === undefined) throw new Error('the insert gave no row');
  return row;
}
