//! The step `declare`: every operation names objects that exist, and none that would be in its way; what the base decides
//! about it is filled in.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::Value;

use super::change::{Change, base_snapshot, lane, refuse_unbuilt};
use super::world::World;
use crate::drizzle::{Snapshot, diff, follow};
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::sql::{Operation, TableName, nature};
use crate::state::Evidence;
use crate::workflow::Lane;

/// The base, and what the change itself brings: a key may be declared on a new column.
struct Known<'a> {
    base: &'a Snapshot,
    operations: Vec<Operation>,
}

const DECLARE_AGAIN: &str =
    "end this run and declare the change again: cargo xtask db-change abort --reason TEXT, then start";

pub(super) fn declare(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    if context.state.declared.is_empty() {
        return Err(Failure::usage(format!("a run of `{}` declares no change", context.state.workflow))
            .detail("a schema change is started with `db-change`, and goes by the workflow of that name")
            .hint("cargo xtask db-change start --help")
            .into());
    }
    let mut change = Change::from_table(&context.state.declared)?;
    refuse_unbuilt(&change.operations)?;
    let base = base_snapshot(world, context)?;
    let known = Known { base: &base, operations: change.operations.clone() };
    let mut seen = Vec::new();
    for operation in &mut change.operations {
        check(operation, &known)?;
        complete(operation, &base);
        if seen.contains(operation) {
            return Err(Failure::usage(format!("declared twice: {operation}")).into());
        }
        seen.push(operation.clone());
    }
    one_breaking(&change.operations)?;
    change.tables = touched(&change.operations, &base).into_iter().collect();
    change.values = values(&change.operations, &base).into_iter().collect();
    let (lane, reason) = lane(&change.operations);
    context.set_lane(lane, reason);
    let words = change.in_words();
    let from = if change.is_inferred() { format!("   inferred from {}", change.source()) } else { String::new() };
    let evidence = Evidence::new(format!("{words}{from}")).proven("change", change.to_table()?);
    if !change.is_inferred() || lane == Lane::Additive {
        return Ok(Outcome::Passed(evidence));
    }
    let values = [("source", change.source()), ("operations", words)];
    let mut details: Vec<String> = change.operations.iter().map(ToString::to_string).collect();
    details.extend(change.operations.iter().filter_map(what_it_writes));
    details.extend(lost_by_no_rename(&change.operations, &base));
    if change.applied {
        details.push(format!("`{}` has it already: it is proven on synthetic rows", world.source_name()));
    }
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(Outcome::Decide { values, details, failure: None, evidence })
}

fn what_it_writes(operation: &Operation) -> Option<String> {
    let Operation::Custom { tables, writes, .. } = operation else { return None };
    let tables = tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let list = |list: &str| if list.is_empty() { "nothing".to_owned() } else { list.to_owned() };
    Some(format!("its SQL touches {}, and writes {}", list(&tables), list(&writes.join(", "))))
}

/// A column that goes while one of its type comes to its table: whoever meant a rename loses its values.
fn lost_by_no_rename(operations: &[Operation], base: &Snapshot) -> Vec<String> {
    let mut found = Vec::new();
    for gone in operations {
        let Operation::DropColumn { table, column } = gone else { continue };
        let old = base.column(table, column).map(diff::data_type);
        for came in operations {
            if let Operation::AddColumn { table: on, column: new, data_type, .. } = came
                && on == table
                && old.as_ref() == Some(data_type)
            {
                found.push(format!(
                    "{table}.{column} is dropped and {table}.{new} added, which is no rename: its values go"
                ));
            }
        }
    }
    found
}

/// Never more than one: each has its own rollback, its own window, its own decision.
pub(super) fn one_breaking(operations: &[Operation]) -> Result<()> {
    let breaking: Vec<&Operation> = operations.iter().filter(|operation| nature::is_breaking(operation)).collect();
    if breaking.len() < 2 {
        return Ok(());
    }
    let mut failure = Failure::step(format!("{} breaking operations in one migration", breaking.len()));
    for (number, operation) in breaking.iter().enumerate() {
        failure = failure.detail(format!("{}. {operation}", number + 1));
    }
    let first = breaking.first().map(ToString::to_string).unwrap_or_default();
    Err(failure
        .hint("split them, each is a change of its own: cargo xtask db-change abort --reason \"split\"")
        .hint(format!(
            "keep only the first in the schema files ({first}), run `cargo xtask db-change`, commit; then the next"
        ))
        .into())
}

/// Tables of the base whose rows or definition the change touches.
fn touched(operations: &[Operation], base: &Snapshot) -> BTreeSet<TableName> {
    let there = |table: &TableName| base.table(table).is_some();
    let mut found = BTreeSet::new();
    for operation in operations {
        found.extend(operation.table().filter(|table| there(table)).cloned());
        match operation {
            Operation::AddForeignKey { to, .. } => found.extend(Some(to.clone()).filter(there)),
            // What referred to it stays, and must come out as it went in.
            Operation::DropTable { table } => {
                found.extend(base.tables().into_iter().filter(|other| refers(base, other, table)));
            }
            Operation::AddEnumValue { name, .. }
            | Operation::DropEnumValue { name, .. }
            | Operation::RenameEnumValue { name, .. }
            | Operation::DropEnum { name } => {
                found.extend(base.tables().into_iter().filter(|table| !base.columns_of_type(table, name).is_empty()));
            }
            Operation::ChangeView { view, .. } | Operation::DropView { view } => {
                let text = base.view(view).and_then(|view| view["definition"].as_str()).unwrap_or_default();
                found.extend(base.tables().into_iter().filter(|table| follow::mentions(text, &table.name)));
            }
            Operation::Custom { tables, writes, .. } => {
                let written = writes.iter().filter_map(|place| place.rsplit_once('.'));
                let written = written.map(|(table, _)| TableName::from(table.to_owned()));
                found.extend(tables.iter().cloned().chain(written).filter(there));
            }
            _ => {}
        }
    }
    found
}

fn refers(base: &Snapshot, table: &TableName, to: &TableName) -> bool {
    let keys = base.table(table).and_then(|table| table["foreignKeys"].as_object());
    keys.into_iter().flatten().any(|(_, key)| key["tableTo"] == to.name.as_str())
}

/// Columns whose rows the change may ask to repair, or whose values it turns into others.
fn values(operations: &[Operation], base: &Snapshot) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for operation in operations {
        match operation {
            Operation::ChangeType { table, column, .. } | Operation::SetNotNull { table, column } => {
                found.insert(format!("{table}.{column}"));
            }
            Operation::AddUnique { table, columns, .. } | Operation::AddForeignKey { table, columns, .. } => {
                found.extend(columns.iter().map(|column| format!("{table}.{column}")));
            }
            Operation::AddCheck { table, expression: Some(text), .. } => {
                let named = base.columns(table).into_iter().filter(|column| follow::mentions(text, column));
                found.extend(named.map(|column| format!("{table}.{column}")));
            }
            Operation::DropEnumValue { name, .. } | Operation::RenameEnumValue { name, .. } => {
                for table in base.tables() {
                    let of_type = base.columns_of_type(&table, name);
                    found.extend(of_type.into_iter().map(|column| format!("{table}.{column}")));
                }
            }
            Operation::Custom { writes, .. } => found.extend(writes.iter().cloned()),
            _ => {}
        }
    }
    found
}

/// Fills in what the base decides: the old type, and whether something of that name is replaced.
fn complete(operation: &mut Operation, base: &Snapshot) {
    let member = |table: &TableName, member: &str, name: &str| {
        base.table(table).is_some_and(|table| table[member].get(name).is_some())
    };
    match operation {
        Operation::ChangeType { table, column, from: from @ None, .. } => {
            *from = base.column(table, column).map(diff::data_type);
        }
        Operation::AddCheck { table, name, replaces, .. } => *replaces = member(table, "checkConstraints", name),
        Operation::AddForeignKey { table, name: name @ None, columns, to, replaces, .. } => {
            let same = |key: &Value| {
                key["columnsFrom"].as_array().is_some_and(|of| of.iter().eq(columns.iter().map(String::as_str)))
                    && key["tableTo"] == to.name.as_str()
            };
            let keys = base.table(table).and_then(|table| table["foreignKeys"].as_object());
            if let Some((key, _)) = keys.into_iter().flatten().find(|(_, key)| same(key)) {
                *name = Some(key.clone());
                *replaces = true;
            }
        }
        _ => {}
    }
}

fn check(operation: &Operation, known: &Known<'_>) -> Result<()> {
    use Operation as O;
    let base = known.base;
    match operation {
        O::CreateTable { table, .. } if base.table(table).is_some() => {
            return Err(taken(format!("there is a table `{table}` already")));
        }
        O::CreateTable { .. } | O::CreateEnum { .. } | O::CreateView { .. } => return Ok(()),
        O::AddEnumValue { name, value } => return check_enum(base, name, None, Some(value)),
        O::DropEnumValue { name, value } => return check_enum(base, name, Some(value), None),
        O::RenameEnumValue { name, from, to } => return check_enum(base, name, Some(from), Some(to)),
        O::DropEnum { name } => return check_enum(base, name, None, None),
        O::ChangeView { view, .. } | O::DropView { view } => {
            return match base.view(view) {
                Some(_) => Ok(()),
                None => Err(unknown(
                    format!("there is no view `{view}` on the base"),
                    &view.to_string(),
                    &base.names("views"),
                    "its views",
                )),
            };
        }
        O::Custom { tables, writes, .. } => {
            for table in tables {
                check_table(known, table)?;
            }
            for place in writes {
                let (table, column) = place.rsplit_once('.').ok_or_else(|| {
                    Failure::usage(format!("`{place}` is no column"))
                        .hint("write it as table.column, or as table.* where rows come or go")
                })?;
                if column == "*" {
                    check_table(known, &TableName::from(table.to_owned()))?;
                    continue;
                }
                check_column(known, &TableName::from(table.to_owned()), column)?;
            }
            return Ok(());
        }
        _ => {}
    }
    let Some(table) = operation.table() else { return Ok(()) };
    check_table(known, table)?;
    match operation {
        O::AddColumn { column, .. } | O::RenameColumn { to: column, .. } if base.column(table, column).is_some() => {
            Err(taken(format!("`{table}` has a column `{column}` already")))
        }
        O::RenameColumn { from: column, .. }
        | O::DropColumn { column, .. }
        | O::SetNotNull { column, .. }
        | O::DropNotNull { column, .. }
        | O::SetDefault { column, .. }
        | O::DropDefault { column, .. } => check_column(known, table, column),
        O::ChangeType { column, to, .. } => {
            check_column(known, table, column)?;
            match base.column(table, column).map(diff::data_type) {
                Some(now) if now == *to => Err(taken(format!("`{table}.{column}` is {to} already"))),
                _ => Ok(()),
            }
        }
        O::AddUnique { columns, .. } => columns.iter().try_for_each(|column| check_column(known, table, column)),
        O::AddForeignKey { columns, to, to_columns, .. } => {
            columns.iter().try_for_each(|column| check_column(known, table, column))?;
            check_table(known, to)?;
            to_columns.iter().try_for_each(|column| check_column(known, to, column))
        }
        O::RenameTable { to, .. } if base.table(&table.beside(to)).is_some() => {
            Err(taken(format!("there is a table `{to}` already")))
        }
        _ => Ok(()),
    }
}

fn check_table(known: &Known<'_>, table: &TableName) -> Result<()> {
    let is_new = |operation: &Operation| matches!(operation, Operation::CreateTable { table: new, .. } if new == table);
    if known.base.table(table).is_some() || known.operations.iter().any(is_new) {
        return Ok(());
    }
    let known = known.base.tables().iter().map(ToString::to_string).collect::<Vec<_>>();
    Err(unknown(format!("there is no table `{table}` on the base"), &table.to_string(), &known, "its tables"))
}

fn check_column(known: &Known<'_>, table: &TableName, column: &str) -> Result<()> {
    check_table(known, table)?;
    let is_new = |operation: &Operation| match operation {
        Operation::AddColumn { table: on, column: new, .. } => on == table && new == column,
        Operation::CreateTable { table: new, .. } => new == table,
        _ => false,
    };
    if known.base.column(table, column).is_some() || known.operations.iter().any(is_new) {
        return Ok(());
    }
    let known: Vec<String> = known.base.columns(table).into_iter().map(str::to_owned).collect();
    Err(unknown(format!("`{table}` has no column `{column}` on the base"), column, &known, "its columns"))
}

fn check_enum(base: &Snapshot, name: &TableName, there: Option<&str>, new: Option<&str>) -> Result<()> {
    let Some(values) = base.enum_values(name) else {
        let text = format!("there is no enum `{name}` on the base");
        return Err(unknown(text, &name.to_string(), &base.names("enums"), "its enums"));
    };
    if let Some(value) = there.filter(|value| !values.contains(&(*value).to_owned())) {
        return Err(unknown(
            format!("the enum `{name}` has no value `{value}` on the base"),
            value,
            &values,
            "its values",
        ));
    }
    match new.filter(|value| values.contains(&(*value).to_owned())) {
        Some(value) => Err(taken(format!("the enum `{name}` has the value `{value}` already"))),
        None => Ok(()),
    }
}

fn taken(message: String) -> anyhow::Error {
    Failure::usage(message).hint(DECLARE_AGAIN).into()
}

/// With what was probably meant, else with all there is.
fn unknown(message: String, name: &str, known: &[String], all: &str) -> anyhow::Error {
    let guess = crate::workflow::diagnostic::did_you_mean(name, known.iter().map(String::as_str));
    let said = guess.unwrap_or_else(|| format!("{all}: {}", known.join(", ")));
    Failure::usage(message).hint(said).hint(DECLARE_AGAIN).into()
}
