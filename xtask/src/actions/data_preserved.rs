//! `data-preserved`: rows of the old shape, written by SQL, are found unchanged in their new place.

use anyhow::Result;
use postgres::Client;
use serde_json::{Map, Value};

use super::change::Change;
use super::rehearse::mapping;
use super::world::World;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::pg::error::Told;
use crate::pg::synthetic;
use crate::sql::TableName;
use crate::state::Evidence;

/// How many rows are followed.
const ROWS: i64 = 5;

pub(super) fn preserved(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let mapping = mapping(&change.operations);
    let database = world.clone_of_base(context)?;
    let mut tables: Vec<&TableName> = change.operations.iter().map(|operation| operation.table()).collect();
    tables.sort();
    tables.dedup();
    let mut written = Vec::new();
    let mut client = world.connect(context, &database.name)?;
    for table in &tables {
        synthetic::insert_rows(&mut client, table, ROWS)?;
        written.push(rows(&mut client, table)?);
    }
    drop(client);
    context.say(&format!("{} on a copy with rows of the old shape", world.shown("migrate")));
    world.migrate(context, world.work(&context.log)?, &database.name)?;
    let mut client = world.connect(context, &database.name)?;
    let mut followed: i64 = 0;
    for (table, before) in tables.iter().zip(written) {
        let after = rows(&mut client, &mapping.table(table))?;
        let mut expected: Vec<String> = before.iter().map(|row| renamed(row, table, &mapping)).collect();
        let news: Vec<&String> =
            mapping.new_columns.iter().filter(|(on, _)| on == *table).map(|(_, column)| column).collect();
        let mut found: Vec<String> = after.iter().map(|row| without(row, &news)).collect();
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

fn renamed(row: &Map<String, Value>, table: &TableName, mapping: &crate::pg::checksum::Mapping) -> String {
    let pairs: std::collections::BTreeMap<String, &Value> =
        row.iter().map(|(column, value)| (mapping.column(table, column), value)).collect();
    format!("{pairs:?}")
}

fn without(row: &Map<String, Value>, new: &[&String]) -> String {
    let pairs: std::collections::BTreeMap<String, &Value> =
        row.iter().filter(|(column, _)| !new.contains(column)).map(|(column, value)| (column.clone(), value)).collect();
    format!("{pairs:?}")
}
