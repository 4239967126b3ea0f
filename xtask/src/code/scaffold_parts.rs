//! TypeScript that reads the catalog, for those tests that need it.

pub(super) const PRESENT: &str = r"
/** The name of those that the database has. */
async function present(tx: Transaction, schemaName: string, names: string[]): Promise<string> {
  for (const name of names) {
    if ((await columnsOf(tx, schemaName, name)).length > 0) return name;
  }
  throw new Error(`none of the tables is there: ${names.join(', ')}`);
}
";

pub(super) const DEFAULTS: &str = r#"
/** A column's default, as the database writes it. */
async function defaultOf(tx: Transaction, schemaName: string, table: string, column: string): Promise<string | null> {
  const [found] = await rows(
    tx,
    sql`select column_default from information_schema.columns
      where table_schema = ${schemaName} and table_name = ${table} and column_name = ${column}`,
  );
  return found === undefined ? 'there is no such column' : (found.column_default as string | null);
}

/** How the database writes a default of such a column. */
async function asDefault(tx: Transaction, schemaName: string, table: string, column: string, text: string): Promise<string> {
  const of = sql`${sql.identifier(schemaName)}.${sql.identifier(table)}`;
  await tx.execute(sql`create temp table "~like" as select ${sql.identifier(column)} from ${of} where false`);
  await tx.execute(sql`alter table "~like" alter column ${sql.identifier(column)} set default ${sql.raw(text)}`);
  const [found] = await rows(
    tx,
    sql`select pg_get_expr(adbin, adrelid) as text from pg_attrdef where adrelid = '"~like"'::regclass`,
  );
  return String(found?.text);
}
"#;

pub(super) const TYPES: &str = r#"
/** A column's type, as the database writes it. */
async function typeOf(tx: Transaction, schemaName: string, table: string, column: string): Promise<string> {
  const [found] = await rows(
    tx,
    sql`select format_type(a.atttypid, a.atttypmod) as type from pg_attribute a join pg_class c on c.oid = a.attrelid
      join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${schemaName} and c.relname = ${table} and a.attname = ${column}`,
  );
  return String(found?.type);
}

/** How the database writes a type. */
async function asType(tx: Transaction, type: string): Promise<string> {
  await tx.execute(sql`create temp table "~type" (value ${sql.raw(type)})`);
  const [found] = await rows(
    tx,
    sql`select format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = '"~type"'::regclass and attname = 'value'`,
  );
  return String(found?.type);
}
"#;

pub(super) const INDEXES: &str = r#"
/** The columns of each valid index of a table, joined by commas; an expression as the database writes it. */
async function indexesOf(tx: Transaction, schemaName: string, table: string): Promise<string[]> {
  const found = await rows(
    tx,
    sql`select (select string_agg(coalesce(a.attname::text, pg_get_indexdef(i.indexrelid, k.place::int, true)), ',' order by k.place)
        from unnest(i.indkey::int2[]) with ordinality k(number, place)
        left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number and k.number > 0) as columns
      from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${schemaName} and c.relname = ${table} and i.indisvalid`,
  );
  return found.map((row) => String(row.columns));
}
"#;

pub(super) const ACTIONS: &str = r#"
/** What a foreign key does on delete and on update, as pg_constraint says it. */
async function actionsOf(tx: Transaction, schemaName: string, table: string, columns: string): Promise<string[]> {
  const found = await rows(
    tx,
    sql`select k.confdeltype::text as del, k.confupdtype::text as upd from pg_constraint k join pg_class c on c.oid = k.conrelid
      join pg_namespace n on n.oid = c.relnamespace
      where k.contype = 'f' and n.nspname = ${schemaName} and c.relname = ${table}
        and (select string_agg(a.attname, ',' order by p.place) from unnest(k.conkey) with ordinality p(number, place)
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = p.number) = ${columns}`,
  );
  return found.flatMap((row) => [String(row.del), String(row.upd)]);
}
"#;

pub(super) const VIEWS: &str = r#"
/** A view's query, as the database writes it. */
async function viewOf(tx: Transaction, view: string): Promise<string> {
  const [found] = await rows(tx, sql`select pg_get_viewdef(${view}::regclass) as text`);
  return String(found?.text);
}

/** How the database writes such a query. */
async function asView(tx: Transaction, query: string): Promise<string> {
  await tx.execute(sql`create temp view "~view" as ${sql.raw(query)}`);
  return viewOf(tx, '"~view"');
}
"#;
