//! What differs between two snapshots, in words of [`Operation`].
//!
//! Invariant: nothing is overlooked. Known members get exact words; every other member is compared whole and named by its key.
//! Left out is only what cannot be otherwise: what a rename carries along, and what a dropped column or table takes with it.

use serde_json::{Map, Value};

use super::diff_objects::{constraints, enums, objects};
use super::follow;
use super::snapshot::{self, Snapshot, named, object, string};
use crate::sql::{NewColumn, Operation, TableName};

/// Members that carry no schema: identities, and the answers that drizzle-kit was given.
const BOOKKEEPING: &[&str] = &["id", "prevId", "_meta", "internal", snapshot::NAMES];

/// The differences from `before` to `after`. Declared renames that really happened come first; what merely follows from them
/// (default names, column lists, expressions, views) is no difference. A declared rename that did not happen is left out.
#[must_use]
pub fn differences(before: &Snapshot, after: &Snapshot, declared: &[Operation]) -> Vec<Operation> {
    let tables = follow::renamed_tables(before, after, declared);
    let renamed = follow::apply_tables(before, after, &tables);
    let columns = follow::effective(&renamed, after, declared);
    let moved = follow::apply(&renamed, after, &columns);
    let mut found: Vec<Operation> = tables
        .into_iter()
        .map(|(table, to)| Operation::RenameTable { table, to })
        .chain(columns.into_iter().map(|rename| Operation::RenameColumn {
            table: rename.table,
            from: rename.from,
            to: rename.to,
        }))
        .collect();
    let none = Value::Null;
    for key in union(&moved.0, &after.0) {
        match key.as_str() {
            key if BOOKKEEPING.contains(&key) => {}
            "tables" => all_tables(&moved, after, &mut found),
            "enums" => enums(moved.map(&key), after.map(&key), declared, &mut found),
            "views" => views(moved.map(&key), after.map(&key), &mut found),
            "schemas" | "sequences" | "roles" | "policies" => {
                objects(singular(&key), moved.map(&key), after.map(&key), &mut found);
            }
            key => {
                let (old, new) = (moved.0.get(key).unwrap_or(&none), after.0.get(key).unwrap_or(&none));
                if !same(old, new) {
                    found.push(other(TableName::new("public", key), format!("change {key} of the snapshot")));
                }
            }
        }
    }
    found
}

/// Columns that went and came in one table with the same type, and tables that went and came with the same columns: each
/// pair is a question for a person.
#[must_use]
pub fn rename_candidates(before: &Snapshot, after: &Snapshot) -> Vec<Operation> {
    let mut found = Vec::new();
    for table in before.tables() {
        if after.table(&table).is_none() {
            let came = after.tables().into_iter().filter(|to| before.table(to).is_none() && to.schema == table.schema);
            let alike = came.filter(|to| after.columns(to) == before.columns(&table));
            found.extend(alike.map(|to| Operation::RenameTable { table: table.clone(), to: to.name }));
            continue;
        }
        let gone = before.columns(&table).into_iter().filter(|column| after.column(&table, column).is_none());
        for from in gone {
            for to in after.columns(&table) {
                let (Some(old), Some(new)) = (before.column(&table, from), after.column(&table, to)) else { continue };
                if before.column(&table, to).is_none() && data_type(old) == data_type(new) {
                    found.push(Operation::RenameColumn {
                        table: table.clone(),
                        from: from.to_owned(),
                        to: to.to_owned(),
                    });
                }
            }
        }
    }
    found
}

/// What is gone: a constraint over it goes with it.
pub(super) struct Gone<'a> {
    before: &'a Snapshot,
    after: &'a Snapshot,
}

impl Gone<'_> {
    fn table(&self, table: &TableName) -> bool {
        self.before.table(table).is_some() && self.after.table(table).is_none()
    }

    fn column(&self, table: &TableName, column: &str) -> bool {
        self.table(table)
            || self.before.column(table, column).is_some()
                && self.after.table(table).is_some()
                && self.after.column(table, column).is_none()
    }

    /// Whether a constraint or an index of a table cannot stay.
    pub(super) fn takes(&self, table: &TableName, value: &Value) -> bool {
        let listed = |list: &str, on: &TableName| {
            let columns = value.get(list).and_then(Value::as_array).into_iter().flatten();
            columns
                .filter_map(|column| column.get("expression").unwrap_or(column).as_str())
                .any(|column| self.column(on, column))
        };
        let schema = string(value, "schemaTo");
        let to = TableName::new(if schema.is_empty() { "public" } else { schema }, string(value, "tableTo"));
        let read = |member: &str| {
            let text = string(value, member);
            self.before
                .columns(table)
                .into_iter()
                .any(|column| self.column(table, column) && follow::mentions(text, column))
        };
        listed("columns", table)
            || listed("columnsFrom", table)
            || (value.get("tableTo").is_some() && (self.table(&to) || listed("columnsTo", &to)))
            || ["value", "where"].iter().any(|member| read(member))
    }
}

fn all_tables(before: &Snapshot, after: &Snapshot, found: &mut Vec<Operation>) {
    let gone = Gone { before, after };
    let (old_tables, new_tables) = (before.map("tables"), after.map("tables"));
    for (key, old) in old_tables {
        let table = named(key, old);
        match new_tables.get(key) {
            Some(new) => inside_table(&table, old, new, &gone, found),
            None => found.push(Operation::DropTable { table }),
        }
    }
    for (key, new) in new_tables.iter().filter(|(key, _)| !old_tables.contains_key(*key)) {
        found.push(Operation::CreateTable { table: named(key, new), columns: new_columns(new) });
    }
}

fn new_columns(table: &Value) -> Vec<NewColumn> {
    let keys: Vec<&Value> = object(table, "foreignKeys").values().collect();
    let references = |name: &str| {
        let key =
            keys.iter().find(|key| key["columnsFrom"].as_array().is_some_and(|of| of.len() == 1 && of[0] == name))?;
        let schema = string(key, "schemaTo");
        let to = TableName::new(if schema.is_empty() { "public" } else { schema }, string(key, "tableTo"));
        Some(format!("{to}.{}", key["columnsTo"][0].as_str()?))
    };
    object(table, "columns")
        .iter()
        .map(|(name, column)| {
            let generated = ["default", "identity", "generated"].iter().any(|member| !column[*member].is_null());
            let serial = string(column, "type").contains("serial");
            NewColumn {
                name: name.clone(),
                data_type: data_type(column),
                required: column["notNull"].as_bool() == Some(true) && !generated && !serial,
                references: references(name),
            }
        })
        .collect()
}

fn inside_table(table: &TableName, old: &Value, new: &Value, gone: &Gone<'_>, found: &mut Vec<Operation>) {
    for key in union(old, new) {
        match key.as_str() {
            "columns" => columns(table, object(old, &key), object(new, &key), found),
            "indexes"
            | "foreignKeys"
            | "compositePrimaryKeys"
            | "uniqueConstraints"
            | "policies"
            | "checkConstraints" => {
                constraints(table, &key, object(old, &key), object(new, &key), gone, found);
            }
            "isRLSEnabled" => {
                // drizzle-kit before 0.27 does not write it.
                let (was, is) = (old[&key].as_bool() == Some(true), new[&key].as_bool() == Some(true));
                let table = table.clone();
                match (was, is) {
                    (false, true) => found.push(Operation::EnableRowSecurity { table }),
                    (true, false) => found.push(Operation::DisableRowSecurity { table }),
                    _ => {}
                }
            }
            key if !same(&old[key], &new[key]) => {
                found.push(other(table.clone(), format!("change {key} of table {table}")))
            }
            _ => {}
        }
    }
}

fn columns(table: &TableName, before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<Operation>) {
    for (column, old) in before {
        match after.get(column) {
            Some(new) => inside_column(table, column, old, new, found),
            None => found.push(Operation::DropColumn { table: table.clone(), column: column.clone() }),
        }
    }
    for (column, new) in after.iter().filter(|(column, _)| !before.contains_key(*column)) {
        found.push(add_column(table, column, new));
    }
}

/// Members of a column that [`Operation::AddColumn`] can express.
const PLAIN_COLUMN: &[&str] = &["name", "type", "typeSchema", "primaryKey", "notNull", "default"];

fn add_column(table: &TableName, column: &str, value: &Value) -> Operation {
    let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    let special: Vec<&str> = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| !value.is_null() && !PLAIN_COLUMN.contains(&key.as_str()))
        .map(|(key, _)| key.as_str())
        .chain(flag("primaryKey").then_some("primary key"))
        .collect();
    if !special.is_empty() {
        let what = format!("add column {table}.{column} ({}) with {}", data_type(value), special.join(", "));
        return other(table.clone(), what);
    }
    Operation::AddColumn {
        table: table.clone(),
        column: column.to_owned(),
        data_type: data_type(value),
        not_null: flag("notNull"),
        default: value.get("default").and_then(sql_text),
    }
}

fn inside_column(table: &TableName, name: &str, old: &Value, new: &Value, found: &mut Vec<Operation>) {
    let (table, column) = (table.clone(), name.to_owned());
    if data_type(old) != data_type(new) {
        let (table, column) = (table.clone(), column.clone());
        found.push(Operation::ChangeType { table, column, from: Some(data_type(old)), to: data_type(new) });
    }
    for key in union(old, new) {
        let (before, after) = (&old[&key], &new[&key]);
        if same(before, after) {
            continue;
        }
        let (table, column) = (table.clone(), column.clone());
        found.push(match key.as_str() {
            "type" | "typeSchema" => continue,
            "notNull" if after.as_bool() == Some(true) => Operation::SetNotNull { table, column },
            "notNull" => Operation::DropNotNull { table, column },
            "default" => match sql_text(after) {
                Some(default) => Operation::SetDefault { table, column, default },
                None => Operation::DropDefault { table, column },
            },
            "primaryKey" if after.as_bool() == Some(true) => {
                other(table.clone(), format!("make {table}.{column} the primary key"))
            }
            "primaryKey" => other(table.clone(), format!("drop the primary key on {table}.{column}")),
            key => other(table.clone(), format!("change {key} of column {table}.{column}")),
        });
    }
}

fn views(before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<Operation>) {
    for (key, old) in before {
        let view = named(key, old);
        match after.get(key) {
            None => found.push(Operation::DropView { view }),
            // A view's columns are what its definition gives: a type that changed below it is no change of the view.
            Some(new) if changed_list(old, new).iter().any(|member| member != "columns") => {
                let definition = Some(string(new, "definition").to_owned());
                found.push(Operation::ChangeView { view, definition });
            }
            Some(_) => {}
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        let definition = Some(string(new, "definition").to_owned());
        found.push(Operation::CreateView { view: named(key, new), definition });
    }
}

fn singular(key: &str) -> &str {
    if key == "policies" { "policy" } else { key.trim_end_matches('s') }
}

/// Equal, where an absent member, null and an empty map say the same: kits of one format differ in what they write out.
pub(super) fn same(old: &Value, new: &Value) -> bool {
    let nothing = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    match (old, new) {
        (Value::Object(_), Value::Object(_)) => changed_list(old, new).is_empty(),
        (old, new) if nothing(old) && nothing(new) => true,
        _ => old == new,
    }
}

pub(super) fn changed_list(old: &Value, new: &Value) -> Vec<String> {
    union(old, new).into_iter().filter(|key| !same(&old[key], &new[key])).collect()
}

pub(super) fn changed_members(old: &Value, new: &Value) -> String {
    let list = changed_list(old, new);
    if list.is_empty() { "as a whole".to_owned() } else { list.join(", ") }
}

pub(super) fn union(old: &Value, new: &Value) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in [old, new].into_iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    keys
}

/// The type as SQL can read it: as the snapshot spells it, but an enum's with quotes and schema where it needs them.
#[must_use]
pub fn data_type(column: &Value) -> String {
    let name = string(column, "type");
    let schema = string(column, "typeSchema");
    if schema.is_empty() {
        return name.to_owned();
    }
    let (base, array) = name.find('[').map_or((name, ""), |at| name.split_at(at));
    let plain = base.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if schema == "public" && plain {
        return name.to_owned();
    }
    format!("{}{array}", TableName::new(schema, base).quoted())
}

/// A default as SQL: the snapshot holds numbers and booleans as such, everything else as SQL text.
pub(super) fn sql_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

pub(super) fn other(table: TableName, what: String) -> Operation {
    Operation::Other { table, what }
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
