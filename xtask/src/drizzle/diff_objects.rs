//! Constraints, indexes, policies, enums and other named objects of two snapshots, compared.

use serde_json::{Map, Value};

use super::diff::{Gone, changed_list, changed_members, other, same};
use super::follow;
use super::snapshot::{named, string};
use crate::sql::{Operation, TableName};

pub(super) fn constraints(
    table: &TableName,
    member: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    gone: &Gone<'_>,
    found: &mut Vec<Operation>,
) {
    for (name, old) in before {
        match after.get(name) {
            None if gone.takes(table, old) => {}
            None => found.push(drop(table, member, name)),
            Some(new) if !same(old, new) => found.push(match member {
                "policies" => Operation::ChangePolicy { table: table.clone(), name: name.clone() },
                _ => add(table, member, name, new, true),
            }),
            Some(_) => {}
        }
    }
    for (name, new) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        found.push(add(table, member, name, new, false));
    }
}

fn drop(table: &TableName, member: &str, name: &str) -> Operation {
    let (table, name) = (table.clone(), name.to_owned());
    match member {
        "indexes" => Operation::DropIndex { table, name },
        "foreignKeys" => Operation::DropForeignKey { table, name },
        "uniqueConstraints" => Operation::DropUnique { table, name },
        "policies" => Operation::DropPolicy { table, name },
        "checkConstraints" => Operation::DropCheck { table, name },
        _ => other(table.clone(), format!("drop primary key {name} on {table}")),
    }
}

fn add(table: &TableName, member: &str, name: &str, value: &Value, replaces: bool) -> Operation {
    let list = |key: &str| -> Vec<String> {
        let columns = value.get(key).and_then(Value::as_array).into_iter().flatten();
        columns.filter_map(|column| column.get("expression").unwrap_or(column).as_str()).map(str::to_owned).collect()
    };
    let flag = |key: &str| value.get(key).and_then(Value::as_bool) == Some(true);
    let (table, some_name) = (table.clone(), Some(name.to_owned()));
    match member {
        "uniqueConstraints" => Operation::AddUnique {
            table,
            name: some_name,
            columns: list("columns"),
            nulls_not_distinct: flag("nullsNotDistinct"),
            replaces,
        },
        "checkConstraints" => Operation::AddCheck {
            table,
            name: name.to_owned(),
            expression: Some(string(value, "value").to_owned()),
            replaces,
        },
        "foreignKeys" => {
            let action = |key: &str| Some(string(value, key)).filter(|action| !matches!(*action, "" | "no action"));
            let schema = string(value, "schemaTo");
            Operation::AddForeignKey {
                table,
                name: some_name,
                columns: list("columnsFrom"),
                to: TableName::new(if schema.is_empty() { "public" } else { schema }, string(value, "tableTo")),
                to_columns: list("columnsTo"),
                on_delete: action("onDelete").map(str::to_owned),
                on_update: action("onUpdate").map(str::to_owned),
                replaces,
            }
        }
        "indexes" => Operation::AddIndex {
            table,
            name: some_name,
            columns: list("columns"),
            unique: flag("isUnique"),
            definition: index_definition(value),
            replaces,
        },
        "policies" => Operation::CreatePolicy { table, name: name.to_owned() },
        _ => {
            let verb = if replaces { "change" } else { "add" };
            other(table.clone(), format!("{verb} primary key {name} on {table}({})", list("columns").join(", ")))
        }
    }
}

/// What makes an index more than a plain btree over columns, as SQL after the table's name.
fn index_definition(value: &Value) -> Option<String> {
    let mut plain = true;
    let columns = value.get("columns").and_then(Value::as_array).into_iter().flatten().map(|column| {
        let text = string(column, "expression");
        let is_expression = column.get("isExpression").and_then(Value::as_bool) == Some(true);
        let mut part = if is_expression { format!("({text})") } else { crate::sql::names::quote(text) };
        if let Some(class) = column.get("opclass").and_then(Value::as_str) {
            part.push_str(&format!(" {class}"));
            plain = false;
        }
        let descends = column.get("asc").and_then(Value::as_bool) == Some(false);
        if descends {
            part.push_str(" DESC");
            plain = false;
        }
        // PostgreSQL 15 docs, CREATE INDEX: NULLS FIRST is the default when DESC is specified, else NULLS LAST.
        match (column.get("nulls").and_then(Value::as_str), descends) {
            (Some("first"), false) => part.push_str(" NULLS FIRST"),
            (Some("last"), true) => part.push_str(" NULLS LAST"),
            _ => {}
        }
        plain &= !part.ends_with(" FIRST");
        plain &= !is_expression;
        part
    });
    let columns = columns.collect::<Vec<_>>().join(", ");
    let method = Some(string(value, "method")).filter(|method| !method.is_empty()).unwrap_or("btree");
    let mut text = format!("USING {method} ({columns})");
    let condition = string(value, "where");
    if !condition.is_empty() {
        text.push_str(&format!(" WHERE {condition}"));
    }
    let options = value.get("with").and_then(Value::as_object).is_some_and(|with| !with.is_empty());
    let concurrently = value.get("concurrently").and_then(Value::as_bool) == Some(true);
    let more = !plain || method != "btree" || !condition.is_empty() || options || concurrently;
    more.then_some(text)
}

pub(super) fn enums(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    declared: &[Operation],
    found: &mut Vec<Operation>,
) {
    let values = |value: &Value| -> Vec<String> {
        value["values"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    for (key, old) in before {
        let name = named(key, old);
        let Some(new) = after.get(key) else {
            found.push(Operation::DropEnum { name });
            continue;
        };
        let (mut old_values, new_values) = (values(old), values(new));
        for rename in follow::renamed_values(&name, &old_values, &new_values, declared) {
            if let Operation::RenameEnumValue { from, to, .. } = &rename {
                old_values.iter_mut().filter(|value| *value == from).for_each(|value| value.clone_from(to));
            }
            found.push(rename);
        }
        let kept =
            |of: &[String], in_: &[String]| of.iter().filter(|value| in_.contains(value)).cloned().collect::<Vec<_>>();
        for value in new_values.iter().filter(|value| !old_values.contains(value)) {
            found.push(Operation::AddEnumValue { name: name.clone(), value: value.clone() });
        }
        for value in old_values.iter().filter(|value| !new_values.contains(value)) {
            found.push(Operation::DropEnumValue { name: name.clone(), value: value.clone() });
        }
        if kept(&old_values, &new_values) != kept(&new_values, &old_values) {
            found.push(other(name.clone(), format!("change the order of the values of enum {name}")));
        }
        let rest = changed_list(old, new).into_iter().filter(|member| member != "values").collect::<Vec<_>>();
        if !rest.is_empty() {
            found.push(other(name.clone(), format!("change enum {name}: {}", rest.join(", "))));
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        found.push(Operation::CreateEnum { name: named(key, new), values: values(new) });
    }
}

/// Objects that have no operation of their own.
pub(super) fn objects(kind: &str, before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<Operation>) {
    for (key, old) in before {
        let name = named(key, old);
        match after.get(key) {
            None => found.push(other(name.clone(), format!("drop {kind} {name}"))),
            Some(new) if !same(old, new) => {
                found.push(other(name.clone(), format!("change {kind} {name}: {}", changed_members(old, new))));
            }
            Some(_) => {}
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        let name = named(key, new);
        found.push(other(name.clone(), format!("create {kind} {name}")));
    }
}
