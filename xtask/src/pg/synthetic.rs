//! Realistic volume on a throw-away database: rows that obey every constraint, made inside the server.
//!
//! Existing rows are multiplied, so their skew stays: a column that must be unique gets fresh values, all others (foreign keys too) keep those of
//! a sampled row. An empty table gets values by type, after its parents. Nothing is deleted. What cannot be made is an error that names the
//! column, so that the caller reports "not judged" instead of measuring something else.

use anyhow::Result;
use postgres::Client;
use serde::{Deserialize, Serialize};

use super::error::{Told, without_values};
use super::synthetic_columns::{self as columns, Fresh, Shape};
use crate::failure::Failure;
use crate::sql::names::{TableName, literal, quote};

/// Rows that are taken as patterns for others.
const SAMPLE: i64 = 10_000;
/// Candidates of one statement.
const MOST_CANDIDATES: i64 = 5_000_000;
/// Foreign keys are followed this far when parents must grow first.
const DEPTH: usize = 8;

/// What a table has become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grown {
    /// The rows it has now; more than asked where it had more.
    pub rows: i64,
    pub added: i64,
    /// In words, for the report.
    pub how: String,
}

/// Brings a table to `rows` rows, then analyzes it. Triggers are off while rows are made, where the role may say so and the rows allow it.
pub fn grow(client: &mut Client, table: &TableName, rows: i64) -> Result<Grown> {
    grow_at(client, table, rows, &mut Vec::new())
}

/// Inserts `count` new rows of the table's present shape, triggers on; returns their primary keys as JSON objects (empty without a key).
pub fn insert_rows(client: &mut Client, table: &TableName, count: i64) -> Result<Vec<String>> {
    add(client, table, count, false, &mut Vec::new()).map(|added| added.keys)
}

fn grow_at(client: &mut Client, table: &TableName, rows: i64, path: &mut Vec<TableName>) -> Result<Grown> {
    let had = count(client, table)?;
    if had >= rows {
        return Ok(Grown { rows: had, added: 0, how: format!("{table} has {had} rows of its own") });
    }
    let added = match add(client, table, rows - had, true, path) {
        Ok(added) => added,
        // A trigger may fill in what a constraint demands.
        Err(_) => add(client, table, rows - had, false, path)?,
    };
    client.batch_execute(&format!("analyze {}", table.quoted())).told(&format!("analyzing {table}"))?;
    let now = count(client, table)?;
    Ok(Grown { rows: now, added: now - had, how: format!("{table}: {} rows {}", now - had, added.how) })
}

struct Added {
    keys: Vec<String>,
    how: String,
}

fn add(client: &mut Client, table: &TableName, wanted: i64, quiet: bool, path: &mut Vec<TableName>) -> Result<Added> {
    if path.contains(table) || path.len() >= DEPTH {
        return Err(not_judged(table, "its foreign keys form a circle").into());
    }
    path.push(table.clone());
    let added = add_inside(client, table, wanted, quiet, path);
    path.pop();
    added
}

fn add_inside(
    client: &mut Client,
    table: &TableName,
    wanted: i64,
    quiet: bool,
    path: &mut Vec<TableName>,
) -> Result<Added> {
    let shape = columns::shape(client, table)?;
    let had = count(client, table)?;
    let copies = had > 0;
    let fresh = shape.fresh()?;
    prepare_parents(client, &shape, &fresh, wanted, copies, path)?;

    let mut transaction = client.transaction().told("opening a transaction for new rows")?;
    transaction.batch_execute("set local statement_timeout = 0; set local jit = off").told("settings for new rows")?;
    let superuser: bool =
        transaction.query_one("select current_setting('is_superuser') = 'on'", &[]).told("asking for the role")?.get(0);
    if quiet && superuser {
        transaction.batch_execute("set local session_replication_role = replica").told("switching triggers off")?;
    }
    let keyed =
        if shape.key.is_empty() || quiet { String::new() } else { format!(" returning {}", json_key(&shape.key)) };
    let (mut made, mut offset, mut keys) = (0, 0, Vec::new());
    let spare = if shape.checks.is_empty() { 1 } else { 4 };
    // CHECKs may throw some candidates away, so several rounds may be needed.
    while made < wanted {
        let round = ((wanted - made) * spare).clamp(100, MOST_CANDIDATES);
        let part = Part { offset, candidates: round, wanted: wanted - made };
        let sql = format!("{}{keyed}", insertion(&shape, &fresh, copies, had, &part));
        let outcome = if keyed.is_empty() {
            transaction.execute(&sql, &[])
        } else {
            transaction.query(&sql, &[]).map(|rows| {
                keys.extend(rows.iter().map(|row| row.get::<_, String>(0)));
                rows.len() as u64
            })
        };
        let inserted = outcome.map_err(|error| not_judged(table, &without_values(&error)))?;
        if inserted == 0 {
            let checks: Vec<&str> = shape.checks.iter().map(|check| check.name.as_str()).collect();
            return Err(not_judged(
                table,
                &format!("no value that we can make satisfies its CHECKs ({})", checks.join(", ")),
            )
            .into());
        }
        made += i64::try_from(inserted).unwrap_or(i64::MAX);
        offset += round;
    }
    for column in shape.columns.iter().filter(|column| column.sequence) {
        // Later inserts must not meet the numbers that were given out here.
        let sequence =
            format!("pg_catalog.pg_get_serial_sequence({}, {})", literal(&table.quoted()), literal(&column.name));
        let sql = format!(
            "select setval({sequence}, greatest((select max({}) from {}), 1))",
            quote(&column.name),
            table.quoted()
        );
        transaction.execute(&sql, &[]).told(&format!("moving the sequence of {table}"))?;
    }
    transaction.commit().map_err(|error| not_judged(table, &without_values(&error)))?;
    let names: Vec<&str> = fresh.iter().map(|(column, _)| column.as_str()).collect();
    let how = match (copies, names.is_empty()) {
        (true, true) => "copied from existing ones".to_owned(),
        (true, false) => format!("copied from existing ones with fresh {}", names.join(", ")),
        (false, _) => "made by type".to_owned(),
    };
    Ok(Added { keys, how })
}

/// Parents exist before their children: one row at least for an empty table, one unused row each where the foreign key is unique.
fn prepare_parents(
    client: &mut Client,
    shape: &Shape,
    fresh: &[(String, Fresh)],
    wanted: i64,
    copies: bool,
    path: &mut Vec<TableName>,
) -> Result<()> {
    for (column, how) in fresh {
        if let Fresh::Parent(key) = how {
            let parent = count(client, &key.parent)?;
            let unused: i64 = client
                .query_one(&format!("select count(*) from {} k", key.unused(&shape.table, column)), &[])
                .told("counting unused parents")?
                .get(0);
            if unused < wanted {
                grow_at(client, &key.parent, parent + wanted - unused, path)?;
            }
        }
    }
    if !copies {
        for key in &shape.foreign_keys {
            let is_fresh = key.columns.iter().any(|column| fresh.iter().any(|(name, _)| name == column));
            let optional = key.columns.iter().any(|column| shape.column(column).is_none_or(|column| !column.not_null));
            if !is_fresh && key.parent != shape.table && count(client, &key.parent)? == 0 {
                match grow_at(client, &key.parent, 1, path) {
                    // A circle is broken where NULL may stand.
                    Err(_) if optional => {}
                    outcome => drop(outcome?),
                }
            }
        }
    }
    Ok(())
}

/// One round of making rows.
struct Part {
    offset: i64,
    candidates: i64,
    wanted: i64,
}

/// One INSERT … SELECT.
fn insertion(shape: &Shape, fresh: &[(String, Fresh)], copies: bool, had: i64, part: &Part) -> String {
    let numbers = format!("generate_series({0} + 1, {0} + {1}) g(n)", part.offset, part.candidates);
    let table = shape.table.quoted();
    let (mut names, mut values, mut joins) = (Vec::new(), Vec::new(), String::new());
    for column in shape.columns.iter().filter(|column| !column.generated) {
        let name = quote(&column.name);
        let how = fresh.iter().find(|(fresh, _)| *fresh == column.name).map(|(_, how)| how);
        let value = match (how, copies) {
            (Some(Fresh::Parent(key)), _) => {
                let alias = quote(&format!("parent {}", column.name));
                joins.push_str(&format!(
                    " join (select k.value, row_number() over () as n from {} k) {alias} on {alias}.n = g.n - {}",
                    key.unused(&shape.table, &column.name),
                    part.offset
                ));
                format!("{alias}.value")
            }
            (Some(Fresh::Value), true) => column.fresh(&shape.table, &format!("(s.t).{name}"), had),
            (Some(Fresh::Value), false) => column.fresh(&shape.table, &column.varied(), had),
            (None, true) => format!("(s.t).{name}"),
            (None, false) => match shape.foreign_keys.iter().find(|key| key.columns.contains(&column.name)) {
                Some(key) => key.picked(&column.name),
                None if column.has_default && !column.known() => continue,
                None => column.varied(),
            },
        };
        names.push(name.clone());
        values.push(format!("({value})::{} as {name}", column.data_type));
    }
    let source = if copies {
        let patterns = format!("(select t, row_number() over () - 1 as n from {table} t limit {SAMPLE}) s");
        format!("{patterns} join {numbers} on s.n = g.n % {}", had.min(SAMPLE))
    } else {
        numbers
    };
    let checks: Vec<String> = shape
        .checks
        .iter()
        .filter(|check| check.usable)
        .map(|check| format!("({}) is not false", check.expression))
        .collect();
    let filter = if checks.is_empty() { String::new() } else { format!(" where {}", checks.join(" and ")) };
    format!(
        "insert into {table} ({}) overriding system value select * from (select {} from {source}{joins}) v{filter} limit {}",
        names.join(", "),
        values.join(", "),
        part.wanted
    )
}

fn json_key(key: &[String]) -> String {
    let pairs: Vec<String> = key.iter().map(|column| format!("{}, {}", literal(column), quote(column))).collect();
    format!("json_build_object({})::text", pairs.join(", "))
}

fn count(client: &mut Client, table: &TableName) -> Result<i64> {
    Ok(client
        .query_one(&format!("select count(*) from {}", table.quoted()), &[])
        .told(&format!("counting the rows of {table}"))?
        .get(0))
}

pub(super) fn not_judged(table: &TableName, why: &str) -> Failure {
    Failure::step(format!("no rows can be made for {table}: {why}"))
        .hint("what depends on its size is not judged; add seed rows to the table, and they will be multiplied")
}

#[cfg(test)]
#[path = "synthetic_tests.rs"]
mod tests;
