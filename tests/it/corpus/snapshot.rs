//! What a database holds at one moment, by the numbers that survive a rename: rows, values per column, files, invalid indexes;
//! and what old queries answer.

use std::collections::{BTreeMap, BTreeSet};

use postgres::{Client, SimpleQueryMessage};
use xtask::sql::names::quote;

use super::observation::MANY;
use super::trace;

#[derive(Debug)]
pub struct Table {
    /// `schema.table`, as it is spelled in a header.
    pub name: String,
    /// As in SQL.
    pub quoted: String,
    pub file: Option<u32>,
    pub is_view: bool,
    /// Nobody but REFRESH writes to it, so that only what blocks readers makes others wait.
    pub is_materialized: bool,
    pub rows: i64,
    /// By number: the name and how many values are not null.
    pub columns: BTreeMap<i16, (String, i64)>,
}

#[derive(Debug)]
pub struct Snapshot {
    pub tables: BTreeMap<u32, Table>,
    pub invalid: BTreeSet<String>,
}

const TABLES: &str = "select c.oid, n.nspname, c.relname, pg_relation_filenode(c.oid::regclass), c.relkind = 'v', c.relkind = 'm' \
    from pg_class c join pg_namespace n on n.oid = c.relnamespace \
    where c.relkind in ('r', 'p', 'm', 'v') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
    and (c.relkind <> 'm' or c.relispopulated)";
const COLUMNS: &str =
    "select attrelid, attnum, attname from pg_attribute where attrelid >= 16384 and attnum > 0 and not attisdropped";
const INVALID: &str = "select n.nspname || '.' || c.relname from pg_index i join pg_class c on c.oid = i.indexrelid \
    join pg_namespace n on n.oid = c.relnamespace where not i.indisvalid";

impl Snapshot {
    pub fn of(client: &mut Client) -> Snapshot {
        let mut tables = BTreeMap::new();
        let mut all_columns: BTreeMap<u32, BTreeMap<i16, (String, i64)>> = BTreeMap::new();
        for row in client.query(COLUMNS, &[]).unwrap() {
            all_columns.entry(row.get(0)).or_default().insert(row.get(1), (row.get(2), 0));
        }
        for row in client.query(TABLES, &[]).unwrap() {
            let (table, schema, name): (u32, String, String) = (row.get(0), row.get(1), row.get(2));
            let mut columns = all_columns.remove(&table).unwrap_or_default();
            let quoted = format!("{}.{}", quote(&schema), quote(&name));
            let counts: String = columns.values().map(|(name, _)| format!(", count({})", quote(name))).collect();
            let counted = client.query_one(&format!("select count(*){counts} from {quoted}"), &[]).unwrap();
            for (place, (_, values)) in columns.values_mut().enumerate() {
                *values = counted.get(place + 1);
            }
            let name = format!("{schema}.{name}");
            let (file, is_view, is_materialized, rows) = (row.get(3), row.get(4), row.get(5), counted.get(0));
            tables.insert(table, Table { name, quoted, file, is_view, is_materialized, rows, columns });
        }
        let invalid = client.query(INVALID, &[]).unwrap().iter().map(|row| row.get(0)).collect();
        Snapshot { tables, invalid }
    }

    #[must_use]
    pub fn table(&self, name: &str) -> Option<(u32, &Table)> {
        self.tables.iter().find(|(_, table)| table.name == name).map(|(number, table)| (*number, table))
    }

    /// Tables and columns that hold less afterwards, as `schema.table` and `schema.table.column`.
    #[must_use]
    pub fn lost(&self, after: &Snapshot) -> BTreeSet<String> {
        let mut lost = BTreeSet::new();
        for (number, table) in self.tables.iter().filter(|(_, table)| !table.is_view) {
            let left = after.tables.get(number);
            if left.map_or(0, |left| left.rows) < table.rows {
                lost.insert(table.name.clone());
            }
            for (column, (name, values)) in &table.columns {
                let kept = left.and_then(|left| left.columns.get(column)).map_or(0, |(_, values)| *values);
                if kept < *values {
                    lost.insert(format!("{}.{name}", table.name));
                }
            }
        }
        lost
    }

    /// Of the `SELECT`s of all its columns from each table, as an old program would have them: those that fail now.
    #[must_use]
    pub fn broken_old_code(&self, client: &mut Client) -> Vec<String> {
        let queries: Vec<String> = self.tables.values().map(Table::old_code).collect();
        if client.batch_execute(&queries.join(";\n")).is_ok() {
            return Vec::new();
        }
        queries.into_iter().filter(|query| client.batch_execute(query).is_err()).collect()
    }
}

impl Table {
    fn old_code(&self) -> String {
        let columns: Vec<String> = self.columns.values().map(|(name, _)| quote(name)).collect();
        format!("select {} from {} limit 0", columns.join(", "), self.quoted)
    }
}

/// What a query gives, without leaving anything behind.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// The rows, or the SQLSTATE.
    pub rows: Result<Vec<Vec<Option<String>>>, String>,
    pub reads_many: bool,
}

pub fn ask(client: &mut Client, query: &str) -> Answer {
    client.batch_execute("begin").unwrap();
    let before = trace::count(client).unwrap();
    let rows = client.simple_query(query);
    let mut reads_many = false;
    if rows.is_ok() && client.batch_execute("reset role").is_ok() {
        let after = trace::count(client).unwrap();
        reads_many =
            after.iter().any(|(table, (read, _))| read - before.get(table).map_or(0, |(read, _)| *read) > MANY);
    }
    client.batch_execute("rollback").unwrap();
    let rows = rows.map_err(|error| error.code().map_or("no SQLSTATE", |code| code.code()).to_owned());
    let rows = rows.map(|messages| messages.iter().filter_map(values).collect());
    Answer { rows, reads_many }
}

fn values(message: &SimpleQueryMessage) -> Option<Vec<Option<String>>> {
    let SimpleQueryMessage::Row(row) = message else { return None };
    Some((0..row.len()).map(|place| row.get(place).map(str::to_owned)).collect())
}

/// Changes when a value of the column does; nothing when the column is not there.
pub fn checksum(client: &mut Client, column: &str) -> Option<i64> {
    let mut parts = column.splitn(3, '.').map(quote);
    let (schema, table, column) = (parts.next()?, parts.next()?, parts.next()?);
    let sql = format!("select coalesce(sum(hashtext({column}::text)::bigint), 0)::bigint from {schema}.{table}");
    client.query_one(&sql, &[]).ok().map(|row| row.get(0))
}
