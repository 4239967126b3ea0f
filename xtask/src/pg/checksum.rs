//! What the rows of a database are, column by column, without keeping any of them: proof that data survived.
//!
//! Each value is hashed with a seed made of its row's key, so that values swapped between rows are seen, and summed, so that the order of rows
//! does not matter. Not cryptographic: made against accidents. Every table is read alone (`ONLY`), so partitions and inheriting tables count
//! once, under their own names. A table without a key is hashed unseeded and as whole rows besides; a swap within one of its columns is then seen
//! only while its columns stay the same. Views, materialized views, foreign tables and extensions' own tables hold no data of their own here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use postgres::{GenericClient, Row};
use serde::{Deserialize, Serialize};

use super::error::Told;
use crate::failure::Failure;
use crate::sql::names::{TableName, quote};

/// Every setting that a value's text depends on; row security off makes hidden rows an error instead of a gap.
const SETTINGS: &str = "set local search_path = ''; set local timezone = 'UTC'; set local datestyle = 'ISO, YMD';
set local intervalstyle = 'postgres'; set local extra_float_digits = 1; set local bytea_output = 'hex';
set local lc_monetary = 'C'; set local xmloption = 'content'; set local row_security = off; set local jit = off";

/// Tables with their columns and key: the primary key, else the narrowest unique index over NOT NULL columns, else nothing.
const TABLES: &str = "
select n.nspname::text, c.relname::text,
  array(select a.attname::text from pg_catalog.pg_attribute a
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attname),
  coalesce((select array(select a.attname::text from pg_catalog.unnest(i.indkey::int2[]) with ordinality k(attnum, place)
        join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum where k.place <= i.indnkeyatts order by k.place)
    from pg_catalog.pg_index i
    where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
      and not exists (select 1 from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum = any (i.indkey::int2[]) and not a.attnotnull)
    order by i.indisprimary desc, i.indnkeyatts, i.indkey::text limit 1), '{}')
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (select 1 from pg_catalog.pg_depend d
    where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.deptype = 'e')
order by 1, 2";

const SEQUENCES: &str = "
select n.nspname::text, c.relname::text, o.nspname::text, t.relname::text
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
  and d.refclassid = d.classid and d.deptype in ('a', 'i')
left join pg_catalog.pg_class t on t.oid = d.refobjid left join pg_catalog.pg_namespace o on o.oid = t.relnamespace
where c.relkind = 'S' and c.relpersistence <> 't' and n.nspname !~ '^pg_'
  and not exists (select 1 from pg_catalog.pg_depend e where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and e.objid = c.oid and e.deptype = 'e')";

/// All tables and sequences of a database.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checksums {
    pub tables: BTreeMap<TableName, TableSum>,
    /// By quoted full name: `last_value` and `is_called`. Sequences stand outside of transactions and snapshots.
    pub sequences: BTreeMap<String, (i64, bool)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSum {
    pub rows: i64,
    /// Column → sum of hashes and number of values that are not NULL.
    pub columns: BTreeMap<String, String>,
    /// The columns whose values seed the hashes; empty: the table has no key.
    pub key: Vec<String>,
    /// Sum over whole rows, for tables without a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<String>,
}

/// What a change is expected to do to names and values; everything else must stay as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Old table → new table.
    pub tables: BTreeMap<TableName, TableName>,
    /// (Old table, old column) → new column.
    pub columns: BTreeMap<(TableName, String), String>,
    /// (Old table, old column) that may go.
    pub dropped_columns: BTreeSet<(TableName, String)>,
    pub dropped_tables: BTreeSet<TableName>,
    /// (Old table, old column) whose values may change: a new type, a backfill.
    pub changed_columns: BTreeSet<(TableName, String)>,
    /// (New table, new column).
    pub new_columns: BTreeSet<(TableName, String)>,
    pub new_tables: BTreeSet<TableName>,
    /// Old tables whose rows may come and go: nothing about them is judged but that they are there.
    pub rewritten_tables: BTreeSet<TableName>,
}

/// Reads every row once. In a `REPEATABLE READ` transaction all tables are of one moment.
pub fn take(client: &mut impl GenericClient, skip: &[TableName]) -> Result<Checksums> {
    take_with_keys(client, skip, &BTreeMap::new())
}

/// The same for the state after a change: seeded by the columns that seeded `before`, so that a new or changed primary key stays comparable.
pub fn take_after(
    client: &mut impl GenericClient,
    skip: &[TableName],
    before: &Checksums,
    mapping: &Mapping,
) -> Result<Checksums> {
    let keys = before.tables.iter().map(|(table, sum)| (mapping.table(table), mapping.key(table, sum))).collect();
    take_with_keys(client, skip, &keys)
}

fn take_with_keys(
    client: &mut impl GenericClient,
    skip: &[TableName],
    keys: &BTreeMap<TableName, Vec<String>>,
) -> Result<Checksums> {
    // Rolled back, so that the settings are gone again, even inside the caller's transaction.
    let mut transaction = client.transaction().told("opening a transaction for the checksums")?;
    transaction.batch_execute(SETTINGS).told("settings for the checksums")?;
    let mut checksums = Checksums::default();
    for row in transaction.query(TABLES, &[]).told("listing the tables")? {
        let table = TableName { schema: row.get(0), name: row.get(1) };
        if !skip.contains(&table) {
            let sum = table_sum(&mut transaction, &table, &row, keys.get(&table))?;
            checksums.tables.insert(table, sum);
        }
    }
    checksums.sequences = sequences(&mut transaction, skip)?;
    transaction.rollback().told("ending the checksums' transaction")?;
    Ok(checksums)
}

fn table_sum(
    client: &mut impl GenericClient,
    table: &TableName,
    row: &Row,
    key: Option<&Vec<String>>,
) -> Result<TableSum> {
    let names: Vec<String> = row.get(2);
    let key = key.filter(|key| key.iter().all(|column| names.contains(column))).cloned().unwrap_or_else(|| row.get(3));
    let record = |columns: &[String]| {
        let columns: Vec<String> = columns.iter().map(|column| format!("t.{}::text", quote(column))).collect();
        format!("row({})::text", columns.join(", "))
    };
    let seed = if key.is_empty() { "0".to_owned() } else { format!("hashtextextended({}, 0)", record(&key)) };
    let sums = names.iter().map(|column| {
        let column = quote(column);
        format!("coalesce(sum(hashtextextended(t.{column}::text, s.seed)), 0) || '/' || count(t.{column})")
    });
    let whole = if key.is_empty() {
        format!("coalesce(sum(hashtextextended({}, 0)), 0)::text", record(&names))
    } else {
        "null::text".to_owned()
    };
    let list: Vec<String> = ["count(*)".to_owned(), whole].into_iter().chain(sums).collect();
    let sql = format!("select {} from only {} t, lateral (select {seed} as seed) s", list.join(", "), table.quoted());
    let row = client.query_one(&sql, &[]).told(&format!("reading the rows of {table}"))?;
    let columns = names.iter().enumerate().map(|(place, column)| (column.clone(), row.get(place + 2))).collect();
    Ok(TableSum { rows: row.get(0), columns, key, whole: row.get(1) })
}

/// The values of all sequences now, but of those that belong to a skipped table.
pub fn sequences(client: &mut impl GenericClient, skip: &[TableName]) -> Result<BTreeMap<String, (i64, bool)>> {
    let mut values = BTreeMap::new();
    for row in client.query(SEQUENCES, &[]).told("listing the sequences")? {
        let owner = Option::zip(row.get(2), row.get(3)).map(|(schema, name)| TableName { schema, name });
        if !owner.is_some_and(|owner| skip.contains(&owner)) {
            let name = TableName { schema: row.get(0), name: row.get(1) }.quoted();
            let value = client
                .query_one(&format!("select last_value, is_called from {name}"), &[])
                .told(&format!("reading the sequence {name}"))?;
            values.insert(name, (value.get(0), value.get(1)));
        }
    }
    Ok(values)
}

impl Checksums {
    /// Tables in which a swap within one column may go unseen.
    #[must_use]
    pub fn without_key(&self) -> Vec<&TableName> {
        self.tables.iter().filter(|(_, sum)| sum.key.is_empty()).map(|(table, _)| table).collect()
    }

    #[must_use]
    pub fn rows(&self) -> i64 {
        self.tables.values().map(|sum| sum.rows).sum()
    }
}

impl Mapping {
    /// What an old table is called now.
    #[must_use]
    pub fn table(&self, old: &TableName) -> TableName {
        self.tables.get(old).unwrap_or(old).clone()
    }

    /// What a column of an old table is called now.
    #[must_use]
    pub fn column(&self, old_table: &TableName, old: &str) -> String {
        self.columns.get(&(old_table.clone(), old.to_owned())).cloned().unwrap_or_else(|| old.to_owned())
    }

    /// The same change read backwards, to compare after a rollback.
    #[must_use]
    pub fn reversed(&self) -> Mapping {
        let forth = |(table, column): &(TableName, String)| (self.table(table), self.column(table, column));
        let back: BTreeMap<&TableName, &TableName> = self.tables.iter().map(|(old, new)| (new, old)).collect();
        let old_table = |table: &TableName| back.get(table).map_or_else(|| table.clone(), |old| (*old).clone());
        Mapping {
            tables: self.tables.iter().map(|(old, new)| (new.clone(), old.clone())).collect(),
            columns: self
                .columns
                .iter()
                .map(|((table, old), new)| ((self.table(table), new.clone()), old.clone()))
                .collect(),
            dropped_columns: self.new_columns.clone(),
            dropped_tables: self.new_tables.clone(),
            changed_columns: self.changed_columns.iter().map(forth).collect(),
            new_columns: self
                .dropped_columns
                .iter()
                .map(|(table, column)| (old_table(table), column.clone()))
                .collect(),
            new_tables: self.dropped_tables.clone(),
            rewritten_tables: self.rewritten_tables.iter().map(|table| self.table(table)).collect(),
        }
    }

    fn key(&self, table: &TableName, sum: &TableSum) -> Vec<String> {
        sum.key.iter().map(|column| self.column(table, column)).collect()
    }
}

/// What is not as it was, in words; empty means proven equal. No table at all before is an error, because it would prove nothing.
pub fn compare(before: &Checksums, after: &Checksums, mapping: &Mapping) -> Result<Vec<String>> {
    if before.tables.is_empty() {
        return Err(Failure::step("there is no table to compare, so nothing is proven about the data").into());
    }
    let mut differences = Vec::new();
    for (old, was) in &before.tables {
        let new = mapping.table(old);
        match after.tables.get(&new) {
            Some(_) if mapping.rewritten_tables.contains(old) => {}
            Some(now) => compare_table(old, &new, was, now, mapping, &mut differences),
            None if mapping.dropped_tables.contains(old) => {}
            None => differences.push(format!("table {old} is gone, with {} rows", was.rows)),
        }
    }
    let old: BTreeSet<TableName> = before.tables.keys().map(|table| mapping.table(table)).collect();
    let unexpected =
        after.tables.iter().filter(|(table, _)| !old.contains(table) && !mapping.new_tables.contains(table));
    differences.extend(unexpected.map(|(table, sum)| format!("table {table} is new, with {} rows", sum.rows)));
    for (name, was) in &before.sequences {
        if let Some(now) = after.sequences.get(name).filter(|now| *now != was) {
            differences.push(format!("sequence {name} was at {}, now at {}", position(*was), position(*now)));
        }
    }
    Ok(differences)
}

fn compare_table(
    old: &TableName,
    new: &TableName,
    was: &TableSum,
    now: &TableSum,
    mapping: &Mapping,
    differences: &mut Vec<String>,
) {
    if was.rows != now.rows {
        differences.push(format!("table {new} had {} rows, now {}", was.rows, now.rows));
    }
    if mapping.key(old, was) != now.key {
        let key = |key: &[String]| if key.is_empty() { "no key".to_owned() } else { key.join(", ") };
        differences.push(format!(
            "table {new} cannot be compared: its values were hashed by {}, now by {}",
            key(&was.key),
            key(&now.key)
        ));
        return;
    }
    let (mut expected, mut same_columns) = (BTreeSet::new(), true);
    for (column, sum) in &was.columns {
        let place = (old.clone(), column.clone());
        let name = mapping.column(old, column);
        let renamed = if name == *column { String::new() } else { format!(" (was {column})") };
        match now.columns.get(&name) {
            Some(_) if mapping.changed_columns.contains(&place) => same_columns = false,
            Some(found) if found == sum => {}
            Some(found) => {
                let count = |sum: &str| sum.rsplit('/').next().unwrap_or_default().to_owned();
                let (had, has) = (count(sum), count(found));
                let counts =
                    if had == has { String::new() } else { format!(": {had} values that are not NULL, now {has}") };
                differences.push(format!("column {new}.{name}{renamed} has other values{counts}"));
            }
            None if mapping.dropped_columns.contains(&place) => same_columns = false,
            None => differences.push(format!("column {new}.{name}{renamed} is gone")),
        }
        same_columns &= name == *column;
        expected.insert(name);
    }
    for column in now.columns.keys().filter(|column| !expected.contains(*column)) {
        same_columns = false;
        if !mapping.new_columns.contains(&(new.clone(), column.clone())) {
            differences.push(format!("column {new}.{column} is new"));
        }
    }
    if same_columns && was.whole != now.whole {
        differences.push(format!("table {new} (without a key) has other rows"));
    }
}

/// A sequence's place, for people.
#[must_use]
pub fn position((value, called): (i64, bool)) -> String {
    if called { value.to_string() } else { format!("{value} (not used yet)") }
}

#[cfg(test)]
#[path = "checksum_tests.rs"]
mod tests;
