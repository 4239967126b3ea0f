//! What a rename of a column or a table brings with it in a snapshot: column lists, drizzle's default names, expressions, views.
//!
//! Guided by the snapshot after: a name or an expression is carried over only where `after` holds exactly what the renames make
//! of it, so that an edit made beside a rename stays visible as a difference.

use serde_json::{Map, Value};

use super::snapshot::{self, Snapshot, object, string};
use crate::sql::{Operation, TableName};

/// A rename that took place between two snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rename {
    pub(super) table: TableName,
    pub(super) from: String,
    pub(super) to: String,
}

/// The declared renames that really happened: the old name is gone, the new one is there, and neither was on the other side.
pub(super) fn effective(before: &Snapshot, after: &Snapshot, declared: &[Operation]) -> Vec<Rename> {
    let happened = |table: &TableName, from: &str, to: &str| {
        before.column(table, from).is_some()
            && before.column(table, to).is_none()
            && after.column(table, to).is_some()
            && after.column(table, from).is_none()
    };
    let mut renames: Vec<Rename> = Vec::new();
    for operation in declared {
        if let Operation::RenameColumn { table, from, to } = operation
            && happened(table, from, to)
            && !renames.iter().any(|other| other.table == *table && (other.from == *from || other.to == *to))
        {
            renames.push(Rename { table: table.clone(), from: from.clone(), to: to.clone() });
        }
    }
    renames
}

/// The declared renames of enum values that the snapshots show: at the same place, another label.
pub(super) fn renamed_values(
    of: &TableName,
    before: &[String],
    after: &[String],
    declared: &[Operation],
) -> Vec<Operation> {
    let place = |values: &[String], value: &String| values.iter().position(|known| known == value);
    let happened = |operation: &&Operation| match operation {
        Operation::RenameEnumValue { name, from, to } => {
            let (old, new) = (place(before, from), place(after, to));
            name == of && old.is_some() && old == new && place(after, from).is_none() && place(before, to).is_none()
        }
        _ => false,
    };
    declared.iter().filter(happened).cloned().collect()
}

/// The declared renames of tables that really happened.
pub(super) fn renamed_tables(before: &Snapshot, after: &Snapshot, declared: &[Operation]) -> Vec<(TableName, String)> {
    let mut renames: Vec<(TableName, String)> = Vec::new();
    for operation in declared {
        if let Operation::RenameTable { table, to } = operation
            && before.table(table).is_some()
            && after.table(table).is_none()
            && before.table(&table.beside(to)).is_none()
            && after.table(&table.beside(to)).is_some()
            && !renames.iter().any(|(other, name)| other == table || name == to)
        {
            renames.push((table.clone(), to.clone()));
        }
    }
    renames
}

/// `before` as it would be after the renames of tables alone.
pub(super) fn apply_tables(before: &Snapshot, after: &Snapshot, renames: &[(TableName, String)]) -> Snapshot {
    let mut result = before.clone();
    for (table, to) in renames {
        let now = table.beside(to);
        rename_key(&mut result.0, "tables", &snapshot::key(table), &snapshot::key(&now));
        if let Some(value) = result.0.get_mut("tables").and_then(|map| map.get_mut(snapshot::key(&now))) {
            value["name"] = Value::from(to.as_str());
        }
        let Some(map) = result.0.get_mut("tables").and_then(Value::as_object_mut) else { continue };
        for (key, value) in map.iter_mut() {
            let name = snapshot::named(key, value);
            let old_name = if name == now { table } else { &name };
            let Some(there) = after.map("tables").get(key) else { continue };
            keys_of_table(value, there, old_name, &name, table, to);
        }
        let texts = Texts { renames: &[], tables: &[], on: None, table: Some((&table.name, to)) };
        for (member, value) in result.0.as_object_mut().into_iter().flatten() {
            if let Some(there) =
                after.0.get(member).filter(|_| ["tables", "views", "policies"].contains(&member.as_str()))
            {
                texts.follow(value, there);
            }
        }
    }
    result
}

/// Foreign keys from and to a renamed table, and the default names that its name is part of.
fn keys_of_table(value: &mut Value, there: &Value, old: &TableName, new: &TableName, renamed: &TableName, to: &str) {
    for member in ["indexes", "uniqueConstraints", "compositePrimaryKeys", "foreignKeys"] {
        let names: Vec<String> = object(value, member).keys().cloned().collect();
        for name in names {
            let Some(item) = value.get_mut(member).and_then(|map| map.get_mut(&name)) else { continue };
            let old_default = default_name(member, old, item);
            if old != new && item.get("tableFrom").is_some() {
                item["tableFrom"] = Value::from(new.name.as_str());
            }
            let refers = TableName::new(some_schema(string(item, "schemaTo")), string(item, "tableTo"));
            if refers == *renamed && item.get("tableTo").is_some() {
                item["tableTo"] = Value::from(to);
            }
            let new_default = default_name(member, new, item);
            let known = object(there, member);
            if old_default.as_deref() == Some(name.as_str())
                && let Some(default) = new_default
                && known.contains_key(&default)
                && !known.contains_key(&name)
            {
                rename_key(value, member, &name, &default);
            }
        }
    }
}

/// Whether an SQL text names a column.
pub(crate) fn mentions(text: &str, column: &str) -> bool {
    let tokens = tokens(text);
    let is_function = |at: usize| !tokens[at].starts_with('"') && tokens.get(at + 1) == Some(&"(");
    (0..tokens.len()).any(|at| identifier(tokens[at]).as_deref() == Some(column) && !is_function(at))
}

/// A constraint or index whose default name followed a rename.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Renamed {
    /// As it was called before.
    pub(crate) table: TableName,
    pub(crate) is_index: bool,
    pub(crate) old: String,
    pub(crate) new: String,
}

/// The constraints and indexes that drizzle-kit renames along with the columns (it drops them and adds them again).
pub(crate) fn renamed_names(before: &Snapshot, after: &Snapshot, declared: &[Operation]) -> Vec<Renamed> {
    let tables = renamed_tables(before, after, declared);
    let renamed = apply_tables(before, after, &tables);
    let moved = apply(&renamed, after, &effective(&renamed, after, declared));
    let mut found = Vec::new();
    // The order of a map survives a rename, so that the same position is the same object.
    for ((old_key, old_table), (key, moved)) in before.map("tables").iter().zip(moved.map("tables")) {
        for member in ["indexes", "uniqueConstraints", "compositePrimaryKeys", "foreignKeys"] {
            for (old_name, new_name) in object(old_table, member).keys().zip(object(moved, member).keys()) {
                let old = before.name_in_database(old_key, member, old_name);
                let new = after.name_in_database(key, member, new_name);
                if old != new {
                    let (old, new) = (old.to_owned(), new.to_owned());
                    found.push(Renamed {
                        table: snapshot::named(old_key, old_table),
                        is_index: member == "indexes",
                        old,
                        new,
                    });
                }
            }
        }
    }
    found
}

/// `before` as it would be after all declared renames that happened, and nothing else.
pub(super) fn moved(before: &Snapshot, after: &Snapshot, declared: &[Operation]) -> Snapshot {
    let tables = apply_tables(before, after, &renamed_tables(before, after, declared));
    apply(&tables, after, &effective(&tables, after, declared))
}

/// `before` as it would be after the renames of columns alone.
pub(super) fn apply(before: &Snapshot, after: &Snapshot, renames: &[Rename]) -> Snapshot {
    let mut result = before.clone();
    if renames.is_empty() {
        return result;
    }
    let tables: Vec<TableName> = before.tables();
    if let Some(map) = result.0.get_mut("tables").and_then(Value::as_object_mut) {
        for (key, table) in map.iter_mut() {
            let name = snapshot::named(key, table);
            let Some(now) = after.map("tables").get(key) else { continue };
            let texts = Texts { renames, tables: &tables, on: Some(&name), table: None };
            columns(table, &name, renames);
            constraints(table, now, &name, renames);
            if renames.iter().any(|rename| rename.table == name) {
                texts.follow(table, now);
            }
        }
    }
    if let Some(map) = result.0.get_mut("views").and_then(Value::as_object_mut) {
        views(map, after, renames, tables);
    }
    result
}

/// A view whose column followed is to the views that read it what the table was to it: on until nothing moves.
fn views(views: &mut Map<String, Value>, after: &Snapshot, renames: &[Rename], tables: Vec<TableName>) {
    let mut renames = renames.to_vec();
    let known: Vec<TableName> =
        tables.into_iter().chain(views.iter().map(|(key, view)| snapshot::named(key, view))).collect();
    loop {
        let mut moved = Vec::new();
        for (key, view) in views.iter_mut() {
            let Some(now) = after.map("views").get(key) else { continue };
            if (Texts { renames: &renames, tables: &known, on: None, table: None }).follow(view, now) {
                let name = snapshot::named(key, view);
                for (from, to) in view_columns(view, now, &renames) {
                    moved.push(Rename { table: name.clone(), from, to });
                }
            }
        }
        if moved.is_empty() {
            return;
        }
        renames.extend(moved);
    }
}

fn columns(table: &mut Value, name: &TableName, renames: &[Rename]) {
    for rename in renames.iter().filter(|rename| rename.table == *name) {
        rename_key(table, "columns", &rename.from, &rename.to);
    }
}

/// Gives a member of the map `member` another key and `name`; the order of the map stays.
fn rename_key(value: &mut Value, member: &str, from: &str, to: &str) {
    let Some(map) = value.get_mut(member).and_then(Value::as_object_mut) else { return };
    *map = std::mem::take(map)
        .into_iter()
        .map(|(key, mut value)| {
            if key != from {
                return (key, value);
            }
            if let Some(name) = value.get_mut("name") {
                *name = Value::from(to);
            }
            (to.to_owned(), value)
        })
        .collect::<Map<_, _>>();
}

/// Column lists of indexes and constraints, and the names that drizzle derives from them (drizzle-orm 0.45
/// `pg-core/unique-constraint`, `foreign-keys`, `primary-keys`; drizzle-kit 0.31 `indexName`).
fn constraints(table: &mut Value, now: &Value, name: &TableName, renames: &[Rename]) {
    for member in ["indexes", "uniqueConstraints", "compositePrimaryKeys", "foreignKeys"] {
        let keys: Vec<String> = object(table, member).keys().cloned().collect();
        for key in keys {
            let Some(value) = table.get_mut(member).and_then(|map| map.get_mut(&key)) else { continue };
            let old_default = default_name(member, name, value);
            for list in ["columns", "columnsFrom"] {
                rename_list(value, list, name, renames);
            }
            if member == "foreignKeys" {
                let to = TableName::new(some_schema(string(value, "schemaTo")), string(value, "tableTo"));
                rename_list(value, "columnsTo", &to, renames);
            }
            let new_default = default_name(member, name, value);
            let there = object(now, member);
            if old_default.as_deref() == Some(key.as_str())
                && let Some(new) = new_default
                && there.contains_key(&new)
                && !there.contains_key(&key)
            {
                rename_key(table, member, &key, &new);
            }
        }
    }
}

fn some_schema(schema: &str) -> &str {
    if schema.is_empty() { "public" } else { schema }
}

fn rename_list(value: &mut Value, list: &str, table: &TableName, renames: &[Rename]) {
    for item in value.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
        let plain = !item.get("isExpression").and_then(Value::as_bool).unwrap_or(false);
        let column = if item.is_object() { item.get_mut("expression") } else { Some(item) };
        let Some(column) = column.filter(|_| plain) else { continue };
        if let Some(rename) = renames.iter().find(|rename| rename.table == *table && column == rename.from.as_str()) {
            *column = Value::from(rename.to.as_str());
        }
    }
}

/// The name that drizzle gives when the schema file gives none; `None` for what always has a name of its own.
pub(crate) fn default_name(member: &str, table: &TableName, value: &Value) -> Option<String> {
    let list = |key: &str| -> Option<String> {
        let columns = value.get(key)?.as_array()?.iter().map(|item| {
            let plain = !item.get("isExpression").and_then(Value::as_bool).unwrap_or(false);
            item.get("expression").filter(|_| plain).unwrap_or(item).as_str()
        });
        Some(columns.collect::<Option<Vec<_>>>()?.join("_"))
    };
    let table = &table.name;
    Some(match member {
        "uniqueConstraints" => format!("{table}_{}_unique", list("columns")?),
        "compositePrimaryKeys" => format!("{table}_{}_pk", list("columns")?),
        "indexes" => format!("{table}_{}_index", list("columns")?),
        "foreignKeys" => {
            format!("{table}_{}_{}_{}_fk", list("columnsFrom")?, string(value, "tableTo"), list("columnsTo")?)
        }
        _ => return None,
    })
}

/// Renames the columns of a view that follow, and gives them. drizzle-kit 1.x keeps no columns of views: any of them may.
fn view_columns(view: &mut Value, now: &Value, renames: &[Rename]) -> Vec<(String, String)> {
    if view.get("columns").is_none() {
        return renames.iter().map(|rename| (rename.from.clone(), rename.to.clone())).collect();
    }
    let mut moves = Vec::new();
    for rename in renames {
        let (old, new) = (object(view, "columns"), object(now, "columns"));
        let moved = old.contains_key(&rename.from)
            && !old.contains_key(&rename.to)
            && new.contains_key(&rename.to)
            && !new.contains_key(&rename.from);
        if moved {
            rename_key(view, "columns", &rename.from, &rename.to);
            moves.push((rename.from.clone(), rename.to.clone()));
        }
    }
    moves
}

/// SQL texts that may name a renamed column.
struct Texts<'a> {
    renames: &'a [Rename],
    tables: &'a [TableName],
    /// The table whose expressions these are; `None` in a view.
    on: Option<&'a TableName>,
    /// A table's old name and its new one.
    table: Option<(&'a str, &'a str)>,
}

/// The members of a snapshot that hold SQL over columns.
const SQL_MEMBERS: &[&str] = &["expression", "where", "value", "using", "withCheck", "as", "definition"];

impl Texts<'_> {
    /// Takes over each SQL text of `now` that differs from `old` only by the renames; true when any did.
    fn follow(&self, old: &mut Value, now: &Value) -> bool {
        let mut any = false;
        match (old, now) {
            (Value::Object(old), Value::Object(now)) => {
                for (key, old) in old {
                    let Some(now) = now.get(key) else { continue };
                    if let (Some(before), Some(after)) = (old.as_str(), now.as_str()) {
                        if SQL_MEMBERS.contains(&key.as_str()) && before != after && self.same(before, after) {
                            *old = now.clone();
                            any = true;
                        }
                    } else {
                        any |= self.follow(old, now);
                    }
                }
            }
            (Value::Array(old), Value::Array(now)) if old.len() == now.len() => {
                for (old, now) in old.iter_mut().zip(now) {
                    any |= self.follow(old, now);
                }
            }
            _ => {}
        }
        any
    }

    fn same(&self, before: &str, after: &str) -> bool {
        let (old, new) = (tokens(before), tokens(after));
        old.len() == new.len() && (0..old.len()).all(|at| old[at] == new[at] || self.renamed(&old, at, new[at]))
    }

    fn renamed(&self, old: &[&str], at: usize, new: &str) -> bool {
        let (Some(from), Some(to)) = (identifier(old[at]), identifier(new)) else { return false };
        if self.table == Some((from.as_str(), to.as_str())) {
            return true;
        }
        let qualifier = (at >= 2 && old[at - 1] == ".").then(|| identifier(old[at - 2])).flatten();
        self.renames.iter().any(|rename| {
            let of_table = match &qualifier {
                // An alias, or the table itself; the name of another table rules it out.
                Some(name) => *name == rename.table.name || !self.tables.iter().any(|table| table.name == *name),
                None => true,
            };
            let in_reach = match self.on {
                Some(table) => *table == rename.table,
                None => old.iter().any(|token| identifier(token).as_deref() == Some(&rename.table.name)),
            };
            rename.from == from && rename.to == to && of_table && in_reach
        })
    }
}

/// An identifier as PostgreSQL reads it; `None` for literals, numbers and signs.
fn identifier(token: &str) -> Option<String> {
    if let Some(inner) = token.strip_prefix('"') {
        return Some(inner.strip_suffix('"')?.replace("\"\"", "\""));
    }
    let first = token.chars().next()?;
    (first.is_alphabetic() || first == '_').then(|| token.to_lowercase())
}

/// Splits SQL into words, quoted identifiers, literals and signs; white space separates and is dropped.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => quoted_length(rest, first),
            c if c.is_alphanumeric() || c == '_' => {
                rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len())
            }
            c => c.len_utf8(),
        };
        found.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    found
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut at = 1;
    while let Some(end) = text[at..].find(quote) {
        at += end + 1;
        if !text[at..].starts_with(quote) {
            return at;
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follows(before: &str, after: &str) -> bool {
        let users = TableName::new("public", "users");
        let tables = [users.clone(), TableName::new("public", "contacts")];
        let renames = [Rename { table: users, from: "email".into(), to: "email_address".into() }];
        Texts { renames: &renames, tables: &tables, on: None, table: None }.same(before, after)
    }

    #[test]
    fn a_view_follows_a_rename_only_where_it_reads_the_renamed_column() {
        assert!(follows(r#"select "email" from "users" u"#, r#"select "email_address"  from "users" u"#));
        assert!(follows(r#"select u."email" from "users" u"#, r#"select u."email_address" from "users" u"#));
        assert!(!follows(
            r#"select "contacts"."email" from "users", "contacts""#,
            r#"select "contacts"."email_address" from "users", "contacts""#
        ));
        assert!(!follows(r#"select "email" from "contacts""#, r#"select "email_address" from "contacts""#));
        assert!(!follows(r#"select 'email' from "users""#, r#"select 'email_address' from "users""#));
        assert!(!follows(r#"select "email" from "users""#, r#"select "email_address" from "users" where true"#));
    }

    #[test]
    fn quoted_names_and_literals_are_single_tokens() {
        assert_eq!(tokens(r#"a."b ""c"||'it''s'"#), ["a", ".", r#""b ""c""#, "|", "|", "'it''s'"]);
    }
}
