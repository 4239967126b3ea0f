//! The SQL that takes one operation back, where the snapshots say all that it needs.

use serde_json::Value;

use super::diff;
use super::follow;
use super::snapshot::{Snapshot, string};
use crate::sql::Operation;
use crate::sql::names::{TableName, literal, quote, quoted_list};
use crate::sql::nature;

/// `Err` says why a person has to write it.
pub(super) fn of(operation: &Operation, before: &Snapshot) -> Result<Vec<String>, String> {
    use Operation as O;
    let alter = |table: &TableName, rest: String| Ok(vec![format!("ALTER TABLE {} {rest};", table.quoted())]);
    let on_column =
        |table: &TableName, column: &str, rest: String| alter(table, format!("ALTER COLUMN {} {rest}", quote(column)));
    let member = |table: &TableName, member: &str, name: &str| -> Result<Value, String> {
        let found = before.table(table).and_then(|table| table[member].get(name)).cloned();
        found.ok_or_else(|| format!("the snapshot before does not have {name} on {table}"))
    };
    if let (O::DropColumn { .. } | O::DropTable { .. }, Some(lost)) = (operation, nature::loss(operation)) {
        return Err(format!(
            "{operation}: {lost} cannot be brought back by a statement; a saved copy is not built yet"
        ));
    }
    match operation {
        O::RenameColumn { table, from, to } => alter(table, format!("RENAME COLUMN {} TO {}", quote(to), quote(from))),
        O::RenameTable { table, to } => alter(&table.beside(to), format!("RENAME TO {}", quote(&table.name))),
        O::AddColumn { table, column, .. } => alter(table, format!("DROP COLUMN {}", quote(column))),
        // What was lost on the way is not brought back by this: the proof compares the values.
        O::ChangeType { table, column, from: Some(from), .. } => {
            on_column(table, column, format!("SET DATA TYPE {from} USING {}::{from}", quote(column))).map(
                |mut statements| {
                    // drizzle-kit sets the default anew with the type: its text is the old one.
                    if let Some(default) = default_of(before, table, column) {
                        let column = quote(column);
                        statements.push(format!(
                            "ALTER TABLE {} ALTER COLUMN {column} SET DEFAULT {default};",
                            table.quoted()
                        ));
                    }
                    statements
                },
            )
        }
        O::SetNotNull { table, column } => on_column(table, column, "DROP NOT NULL".to_owned()),
        O::DropNotNull { table, column } => on_column(table, column, "SET NOT NULL".to_owned()),
        O::SetDefault { table, column, .. } | O::DropDefault { table, column } => {
            let rest = match default_of(before, table, column) {
                Some(default) => format!("SET DEFAULT {default}"),
                None => "DROP DEFAULT".to_owned(),
            };
            on_column(table, column, rest)
        }
        O::AddUnique { table, name: Some(name), replaces: false, .. }
        | O::AddCheck { table, name, replaces: false, .. }
        | O::AddForeignKey { table, name: Some(name), replaces: false, .. } => {
            alter(table, format!("DROP CONSTRAINT {}", quote(truncated(name))))
        }
        O::AddUnique { table, name: Some(name), replaces: true, .. } => {
            let old = unique(&member(table, "uniqueConstraints", name)?);
            alter(table, replaced(name, &old))
        }
        O::AddCheck { table, name, replaces: true, .. } => {
            alter(table, replaced(name, &check(&member(table, "checkConstraints", name)?)))
        }
        O::AddForeignKey { table, name: Some(name), replaces: true, .. } => {
            alter(table, replaced(name, &foreign_key(&member(table, "foreignKeys", name)?)))
        }
        O::DropUnique { table, name } => alter(table, added(name, &unique(&member(table, "uniqueConstraints", name)?))),
        O::DropCheck { table, name } => alter(table, added(name, &check(&member(table, "checkConstraints", name)?))),
        O::DropForeignKey { table, name } => {
            alter(table, added(name, &foreign_key(&member(table, "foreignKeys", name)?)))
        }
        O::AddIndex { table, name: Some(name), replaces: false, .. } => {
            Ok(vec![format!("DROP INDEX {};", table.beside(truncated(name)).quoted())])
        }
        O::CreateTable { table, .. } => Ok(vec![format!("DROP TABLE {};", table.quoted())]),
        O::CreateEnum { name, .. } => Ok(vec![format!("DROP TYPE {};", name.quoted())]),
        O::AddEnumValue { name, .. } | O::DropEnumValue { name, .. } => rebuilt(name, before),
        O::RenameEnumValue { name, from, to } => {
            Ok(vec![format!("ALTER TYPE {} RENAME VALUE {} TO {};", name.quoted(), literal(to), literal(from))])
        }
        O::CreateView { view, .. } => Ok(vec![format!("DROP VIEW {};", view.quoted())]),
        // Dropped and created around everything else.
        O::ChangeView { .. } => Ok(Vec::new()),
        O::CreatePolicy { table, name } => {
            let mut statements = vec![format!("DROP POLICY {} ON {};", quote(name), table.quoted())];
            // drizzle-kit turns it on with a table's first policy.
            if !is_secured(before, table) {
                statements.push(format!("ALTER TABLE {} DISABLE ROW LEVEL SECURITY;", table.quoted()));
            }
            Ok(statements)
        }
        O::EnableRowSecurity { table } if is_secured(before, table) => Ok(Vec::new()),
        O::EnableRowSecurity { table } => alter(table, "DISABLE ROW LEVEL SECURITY".to_owned()),
        O::DisableRowSecurity { table } => alter(table, "ENABLE ROW LEVEL SECURITY".to_owned()),
        other => Err(format!("no inverse is known for: {other}")),
    }
}

/// PostgreSQL can neither take a label away nor put one back in its place: the type is made anew with the labels it had, and its
/// columns pass through text. A row with a label that it did not have stops it.
fn rebuilt(name: &TableName, before: &Snapshot) -> Result<Vec<String>, String> {
    let labels =
        before.enum_values(name).ok_or_else(|| format!("the snapshot before does not have the enum {name}"))?;
    let labels = labels.iter().map(|label| literal(label)).collect::<Vec<_>>().join(", ");
    let away = name.beside(&format!("{} as migrated", name.name));
    let mut statements = vec![
        format!("ALTER TYPE {} RENAME TO {};", name.quoted(), quote(&away.name)),
        format!("CREATE TYPE {} AS ENUM ({labels});", name.quoted()),
    ];
    for table in before.tables() {
        for column in before.columns_of_type(&table, name) {
            let array = before.column(&table, &column).is_some_and(|column| string(column, "type").ends_with(']'));
            let (data_type, text) =
                if array { (format!("{}[]", name.quoted()), "text[]") } else { (name.quoted(), "text") };
            let default = default_of(before, &table, &column);
            let checks = checks_on(before, &table, &column)?;
            let column = quote(&column);
            let mut parts = Vec::new();
            parts.extend(checks.iter().map(|(name, _)| format!("DROP CONSTRAINT {}", quote(truncated(name)))));
            parts.extend(default.is_some().then(|| format!("ALTER COLUMN {column} DROP DEFAULT")));
            parts.push(format!("ALTER COLUMN {column} SET DATA TYPE {data_type} USING {column}::{text}::{data_type}"));
            parts.extend(default.map(|default| format!("ALTER COLUMN {column} SET DEFAULT {default}")));
            parts.extend(checks.iter().map(|(name, definition)| added(name, definition)));
            statements.push(format!("ALTER TABLE {} {};", table.quoted(), parts.join(", ")));
        }
    }
    statements.push(format!("DROP TYPE {};", away.quoted()));
    Ok(statements)
}

/// The checks that read a column: PostgreSQL would go on to compare it with labels of the type that it had.
///
/// Errors: what else reads it in an expression is not made anew here.
fn checks_on(before: &Snapshot, table: &TableName, column: &str) -> Result<Vec<(String, String)>, String> {
    let Some(value) = before.table(table) else { return Ok(Vec::new()) };
    let of = |member: &str| value[member].as_object().into_iter().flatten();
    let reads = |text: &Value| text.as_str().is_some_and(|text| follow::mentions(text, column));
    let expressions = |index: &Value| {
        let columns = index["columns"].as_array().into_iter().flatten();
        columns.clone().any(|of| of["isExpression"].as_bool() == Some(true) && reads(&of["expression"]))
    };
    let index =
        of("indexes").find(|(_, index)| reads(&index["where"]) || expressions(index)).map(|(name, _)| ("index", name));
    let policy = of("policies").find(|(_, policy)| reads(&policy["using"]) || reads(&policy["withCheck"]));
    let generated = of("columns").find(|(_, other)| reads(&other["generated"]["as"]));
    let policy = policy.map(|(name, _)| ("policy", name));
    let generated = generated.map(|(name, _)| ("generated column", name));
    if let Some((kind, name)) = index.or(policy).or(generated) {
        return Err(format!("the {kind} {name} of {table} reads {column}, whose type has to be made anew"));
    }
    Ok(of("checkConstraints")
        .filter(|(_, constraint)| reads(&constraint["value"]))
        .map(|(name, constraint)| (name.clone(), check(constraint)))
        .collect())
}

fn is_secured(before: &Snapshot, table: &TableName) -> bool {
    let Some(table) = before.table(table) else { return false };
    table["isRLSEnabled"].as_bool() == Some(true) || table["policies"].as_object().is_some_and(|map| !map.is_empty())
}

fn default_of(before: &Snapshot, table: &TableName, column: &str) -> Option<String> {
    before.column(table, column).and_then(|column| diff::sql_text(&column["default"]))
}

fn added(name: &str, definition: &str) -> String {
    format!("ADD CONSTRAINT {} {definition}", quote(truncated(name)))
}

fn replaced(name: &str, definition: &str) -> String {
    format!("DROP CONSTRAINT {}, {}", quote(truncated(name)), added(name, definition))
}

fn list(value: &Value, member: &str) -> String {
    let columns = value[member].as_array().into_iter().flatten().filter_map(Value::as_str);
    quoted_list(&columns.collect::<Vec<_>>())
}

fn unique(value: &Value) -> String {
    let nulls = if value["nullsNotDistinct"].as_bool() == Some(true) { " NULLS NOT DISTINCT" } else { "" };
    format!("UNIQUE{nulls} ({})", list(value, "columns"))
}

fn check(value: &Value) -> String {
    format!("CHECK ({})", string(value, "value"))
}

fn foreign_key(value: &Value) -> String {
    let schema = string(value, "schemaTo");
    let to = TableName::new(if schema.is_empty() { "public" } else { schema }, string(value, "tableTo"));
    let mut text = format!(
        "FOREIGN KEY ({}) REFERENCES {} ({})",
        list(value, "columnsFrom"),
        to.quoted(),
        list(value, "columnsTo")
    );
    for (event, member) in [("DELETE", "onDelete"), ("UPDATE", "onUpdate")] {
        let action = string(value, member);
        if !action.is_empty() {
            text.push_str(&format!(" ON {event} {action}"));
        }
    }
    text
}

/// PostgreSQL cuts identifiers at 63 bytes (NAMEDATALEN - 1), at a character's border.
pub(super) fn truncated(name: &str) -> &str {
    let mut end = name.len().min(63);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}
