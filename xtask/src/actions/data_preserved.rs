//! `data-preserved`: rows of the old shape, written by SQL, are found unchanged in their new place.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use postgres::Client;
use serde_json::{Map, Value};

use super::change::Change;
use super::generate::Migration;
use super::mapping::mapping;
use super::shadow::Database;
use super::world::World;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::numbers::thousands;
use crate::pg::error::Told;
use crate::pg::synthetic;
use crate::sql::names::quoted_list;
use crate::sql::{Operation, TableName};
use crate::state::Evidence;

/// How many rows are followed.
const ROWS: i64 = 5;

pub(super) fn preserved(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let mapping = mapping(&change, &Migration::of(context)?.sql()?);
    let database = world.clone_of_base(context)?;
    let gone = |table: &&TableName| mapping.dropped_tables.contains(*table);
    let rewritten = |table: &&TableName| mapping.rewritten_tables.contains(*table);
    let tables: Vec<&TableName> = change.tables.iter().filter(|table| !gone(table) && !rewritten(table)).collect();
    if tables.is_empty() && change.tables.iter().any(|table| rewritten(&table)) {
        return Ok(Outcome::Skipped("rows of every table that it touches come or go, as declared".to_owned()));
    }
    if tables.is_empty() {
        return nothing_to_follow(world, context, &change, &database);
    }
    let mut written = Vec::new();
    let mut client = world.connect(context, &database.name)?;
    for table in &tables {
        coming_rules(&mut client, &change, table, |client| synthetic::insert_rows(client, table, ROWS).map(|_| ()))?;
        written.push(rows(&mut client, table)?);
    }
    drop(client);
    context.say(&format!("{} on a copy with rows of the old shape", world.shown("migrate")));
    world.migrate(context, world.work(&context.log)?, &database.name)?;
    let mut client = world.connect(context, &database.name)?;
    let mut followed: i64 = 0;
    for (table, before) in tables.iter().zip(written) {
        let new_name = mapping.table(table);
        let after = rows(&mut client, &new_name)?;
        let left_out = |on: &TableName, set: &BTreeSet<(TableName, String)>| -> Vec<String> {
            set.iter().filter(|(table, _)| table == on).map(|(_, column)| column.clone()).collect()
        };
        let others = [&mapping.dropped_columns, &mapping.changed_columns];
        let mut free: Vec<String> = others.iter().flat_map(|set| left_out(table, set)).collect();
        free.extend(left_out(&new_name, &mapping.new_columns));
        let mut expected: Vec<String> =
            before.iter().map(|row| without(row, &free, |column| mapping.column(table, column))).collect();
        let mut found: Vec<String> = after.iter().map(|row| without(row, &free, str::to_owned)).collect();
        expected.sort();
        found.sort();
        let lost = expected.iter().filter(|row| found.binary_search(row).is_err()).count();
        if lost > 0 || expected.len() != found.len() {
            return Err(Failure::step(format!(
                "{lost} of {} rows of `{table}` are not found in their new place",
                expected.len()
            ))
            .hint("mend the migration so that it keeps every row of the old shape, then go on: cargo xtask db-change")
            .into());
        }
        followed += i64::try_from(expected.len())?;
    }
    drop(client);
    world.drop_database(context, &database)?;
    if followed < ROWS {
        return Err(Failure::step("no row of the old shape could be followed")
            .hint("rows of the table must be there after the migration; see its SQL")
            .into());
    }
    Ok(Outcome::Passed(
        Evidence::new(format!("{ROWS} new rows of the old shape and all others found again"))
            .proven("written", ROWS)
            .info("followed", followed),
    ))
}

/// Every row as an object by column name, each value as text: a number must not pass through a float. They stay in memory.
fn rows(client: &mut Client, table: &TableName) -> Result<Vec<Map<String, Value>>> {
    let values = "select jsonb_object_agg(key, value)::text from jsonb_each_text(to_jsonb(t))";
    let query = format!("select ({values}) from {} t", table.quoted());
    let rows = client.query(&query, &[]).told("reading rows to follow")?;
    // A row that cannot be read is no row that was found again. The parser's own words would quote it.
    rows.iter()
        .map(|row| serde_json::from_str(row.get(0)).map_err(|_| anyhow::anyhow!("a row of `{table}` cannot be read")))
        .collect()
}

/// A row as text, by the names that its columns have afterwards; columns that are free to differ stay out.
fn without(row: &Map<String, Value>, free: &[String], name: impl Fn(&str) -> String) -> String {
    let kept = row.iter().filter(|(column, _)| !free.contains(column));
    let pairs: BTreeMap<String, &Value> = kept.map(|(column, value)| (name(column), value)).collect();
    format!("{pairs:?}")
}

/// The change takes every table that it touches away, or brings new ones only: there is nothing to prove here.
fn nothing_to_follow(
    world: &World<'_>,
    context: &StepContext<'_>,
    change: &Change,
    database: &Database,
) -> Result<Outcome> {
    let mut client = world.connect(context, &database.name)?;
    let mut lost = Vec::new();
    for table in &change.tables {
        let count = format!("select count(*) from {}", table.quoted());
        let rows: i64 = client.query_one(&count, &[]).told("counting the rows that go")?.get(0);
        lost.push(format!("{} rows of {table} go, as declared", thousands(rows)));
    }
    drop(client);
    world.drop_database(context, database)?;
    Ok(Outcome::Skipped(if lost.is_empty() { "no table of the base is touched".to_owned() } else { lost.join(", ") }))
}

/// New rows obey what the change is about to demand of them: a rule that is tried while they are made, and taken off again.
pub(super) fn coming_rules(
    client: &mut Client,
    change: &Change,
    table: &TableName,
    make: impl FnOnce(&mut Client) -> Result<()>,
) -> Result<()> {
    let rules = change.operations.iter().filter_map(|operation| match operation {
        Operation::AddUnique { table: on, columns, .. } if on == table => {
            Some(format!("create unique index \"~coming\" on {} ({})", table.quoted(), quoted_list(columns)))
        }
        Operation::AddIndex { table: on, columns, unique: true, definition: None, .. } if on == table => {
            Some(format!("create unique index \"~coming\" on {} ({})", table.quoted(), quoted_list(columns)))
        }
        _ => None,
    });
    // Where the rows that are there break it already, the migration fails, and says so itself.
    let made: Vec<String> = rules.filter(|rule| client.batch_execute(rule).is_ok()).collect();
    make(client)?;
    if !made.is_empty() {
        let name = table.beside("~coming").quoted();
        client.batch_execute(&format!("drop index {name}")).told("taking a rule off again")?;
    }
    Ok(())
}
