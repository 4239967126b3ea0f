//! What differs between two snapshots, in words of [`Operation`].
//!
//! Invariant: nothing is overlooked. Known members get exact words; every other member is compared whole and named by its key.

use serde_json::{Map, Value};

use super::follow;
use super::snapshot::{self, Snapshot, named, object, string};
use crate::sql::{Operation, TableName, operation};

/// Members that carry no schema: identities, and the answers that drizzle-kit was given.
const BOOKKEEPING: &[&str] = &["id", "prevId", "_meta", "internal", snapshot::NAMES];

/// The differences from `before` to `after`. Declared renames that really happened come first; what merely follows from them
/// (default names, column lists, expressions, views) is no difference. A declared rename that did not happen is left out.
#[must_use]
pub fn differences(before: &Snapshot, after: &Snapshot, renames: &[Operation]) -> Vec<Operation> {
    let renames = follow::effective(before, after, renames);
    let moved = follow::apply(before, after, &renames);
    let mut found: Vec<Operation> = renames
        .into_iter()
        .map(|rename| Operation::RenameColumn { table: rename.table, from: rename.from, to: rename.to })
        .collect();
    let none = Value::Null;
    for key in union(&moved.0, &after.0) {
        match key.as_str() {
            key if BOOKKEEPING.contains(&key) => {}
            "tables" => tables(moved.map(&key), after.map(&key), &mut found),
            "enums" => enums(moved.map(&key), after.map(&key), &mut found),
            "views" | "schemas" | "sequences" | "roles" | "policies" => {
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

/// Columns that went and came in one table with the same type: each pair is a question for a person.
#[must_use]
pub fn rename_candidates(before: &Snapshot, after: &Snapshot) -> Vec<Operation> {
    let mut found = Vec::new();
    for table in before.tables() {
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

fn tables(before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<Operation>) {
    for (key, old) in before {
        let table = named(key, old);
        match after.get(key) {
            Some(new) => inside_table(&table, old, new, found),
            None => found.push(other(table.clone(), format!("drop table {table}"))),
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        let table = named(key, new);
        found.push(other(table.clone(), format!("create table {table}")));
    }
}

fn inside_table(table: &TableName, old: &Value, new: &Value, found: &mut Vec<Operation>) {
    for key in union(old, new) {
        match key.as_str() {
            "columns" => columns(table, object(old, &key), object(new, &key), found),
            "indexes"
            | "foreignKeys"
            | "compositePrimaryKeys"
            | "uniqueConstraints"
            | "policies"
            | "checkConstraints" => {
                constraints(table, &key, object(old, &key), object(new, &key), found);
            }
            "isRLSEnabled" if !same(&old[&key], &new[&key]) => {
                let verb = if new[&key].as_bool() == Some(true) { "enable" } else { "disable" };
                found.push(other(table.clone(), format!("{verb} row level security on {table}")));
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
            None => found.push(other(table.clone(), format!("drop column {table}.{column}"))),
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

fn inside_column(table: &TableName, column: &str, old: &Value, new: &Value, found: &mut Vec<Operation>) {
    let mut say = |what: String| found.push(other(table.clone(), what));
    let name = format!("{table}.{column}");
    if data_type(old) != data_type(new) {
        say(format!("change type of {name} from {} to {}", data_type(old), data_type(new)));
    }
    for key in union(old, new) {
        let (before, after) = (&old[&key], &new[&key]);
        if same(before, after) {
            continue;
        }
        match key.as_str() {
            "type" | "typeSchema" => {}
            "notNull" if after.as_bool() == Some(true) => say(format!("set not null {name}")),
            "notNull" => say(format!("drop not null {name}")),
            "default" => match (sql_text(before), sql_text(after)) {
                (_, None) => say(format!("drop default of {name}")),
                (None, Some(new)) => say(format!("set default of {name} to {new}")),
                (Some(old), Some(new)) => say(format!("change default of {name} from {old} to {new}")),
            },
            "primaryKey" if after.as_bool() == Some(true) => say(format!("make {name} the primary key")),
            "primaryKey" => say(format!("drop the primary key on {name}")),
            key => say(format!("change {key} of column {name}")),
        }
    }
}

fn constraints(
    table: &TableName,
    member: &str,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    found: &mut Vec<Operation>,
) {
    let kind = match member {
        "indexes" => "index",
        "foreignKeys" => "foreign key",
        "compositePrimaryKeys" => "primary key",
        "uniqueConstraints" => "unique",
        "policies" => "policy",
        _ => "check",
    };
    let on = |value: &Value| {
        let list = value.get("columns").or_else(|| value.get("columnsFrom")).and_then(Value::as_array);
        let columns: Vec<&str> = list
            .into_iter()
            .flatten()
            .filter_map(|column| column.get("expression").unwrap_or(column).as_str())
            .collect();
        let columns = if columns.is_empty() { String::new() } else { format!("({})", columns.join(", ")) };
        format!("on {table}{columns}")
    };
    for (name, old) in before {
        match after.get(name) {
            None => found.push(other(table.clone(), format!("drop {kind} {name} {}", on(old)))),
            Some(new) if !same(old, new) => {
                found.push(other(
                    table.clone(),
                    format!("change {kind} {name} {}: {}", on(new), changed_members(old, new)),
                ));
            }
            Some(_) => {}
        }
    }
    for (name, new) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
        let unique = if new.get("isUnique").and_then(Value::as_bool) == Some(true) { "unique " } else { "" };
        found.push(other(table.clone(), format!("add {unique}{kind} {name} {}", on(new))));
    }
}

fn enums(before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<Operation>) {
    let values = |value: &Value| -> Vec<String> {
        value["values"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    for (key, old) in before {
        let name = named(key, old);
        let Some(new) = after.get(key) else {
            found.push(other(name.clone(), format!("drop enum {name}")));
            continue;
        };
        let (old_values, new_values) = (values(old), values(new));
        let kept =
            |of: &[String], in_: &[String]| of.iter().filter(|value| in_.contains(value)).cloned().collect::<Vec<_>>();
        for value in new_values.iter().filter(|value| !old_values.contains(value)) {
            found.push(other(name.clone(), format!("enum {name}: add value {}", operation::literal(value))));
        }
        for value in old_values.iter().filter(|value| !new_values.contains(value)) {
            found.push(other(name.clone(), format!("enum {name}: drop value {}", operation::literal(value))));
        }
        if kept(&old_values, &new_values) != kept(&new_values, &old_values) {
            found.push(other(name.clone(), format!("enum {name}: change the order of the values")));
        }
        let rest = changed_list(old, new).into_iter().filter(|member| member != "values").collect::<Vec<_>>();
        if !rest.is_empty() {
            found.push(other(name.clone(), format!("change enum {name}: {}", rest.join(", "))));
        }
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        let name = named(key, new);
        found.push(other(name.clone(), format!("create enum {name}")));
    }
}

fn objects(kind: &str, before: &Map<String, Value>, after: &Map<String, Value>, found: &mut Vec<Operation>) {
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

fn singular(key: &str) -> &str {
    if key == "policies" { "policy" } else { key.trim_end_matches('s') }
}

/// Equal, where an absent member, null and an empty map say the same: kits of one format differ in what they write out.
fn same(old: &Value, new: &Value) -> bool {
    let nothing = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    match (old, new) {
        (Value::Object(_), Value::Object(_)) => changed_list(old, new).is_empty(),
        (old, new) if nothing(old) && nothing(new) => true,
        _ => old == new,
    }
}

fn changed_list(old: &Value, new: &Value) -> Vec<String> {
    union(old, new).into_iter().filter(|key| !same(&old[key], &new[key])).collect()
}

fn changed_members(old: &Value, new: &Value) -> String {
    let list = changed_list(old, new);
    if list.is_empty() { "as a whole".to_owned() } else { list.join(", ") }
}

fn union(old: &Value, new: &Value) -> Vec<String> {
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
fn sql_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn other(table: TableName, what: String) -> Operation {
    Operation::Other { table, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Tables and a view as drizzle-kit 0.31.11 writes them.
    fn sample() -> Snapshot {
        let mut snapshot = Snapshot::empty();
        snapshot.0["tables"]["public.users"] = json!({
            "name": "users", "schema": "",
            "columns": {
                "id": { "name": "id", "type": "serial", "primaryKey": true, "notNull": true },
                "email": { "name": "email", "type": "text", "primaryKey": false, "notNull": true },
                "role": { "name": "role", "type": "user_role", "typeSchema": "public", "primaryKey": false, "notNull": true, "default": "'member'" },
            },
            "indexes": { "users_email_lower_idx": {
                "name": "users_email_lower_idx", "isUnique": false, "concurrently": false, "method": "btree", "with": {},
                "columns": [{ "expression": "lower(\"email\")", "asc": true, "isExpression": true, "nulls": "last" }],
            } },
            "foreignKeys": {}, "compositePrimaryKeys": {}, "policies": {}, "isRLSEnabled": false,
            "uniqueConstraints": { "users_email_unique": { "name": "users_email_unique", "nullsNotDistinct": false, "columns": ["email"] } },
            "checkConstraints": { "has_at": { "name": "has_at", "value": "\"users\".\"email\" like '%@%'" } },
        });
        snapshot.0["tables"]["public.logins"] = json!({
            "name": "logins", "schema": "",
            "columns": { "mail": { "name": "mail", "type": "text", "primaryKey": false, "notNull": false } },
            "indexes": {}, "compositePrimaryKeys": {}, "policies": {}, "isRLSEnabled": false, "uniqueConstraints": {}, "checkConstraints": {},
            "foreignKeys": { "logins_mail_users_email_fk": {
                "name": "logins_mail_users_email_fk", "tableFrom": "logins", "tableTo": "users",
                "columnsFrom": ["mail"], "columnsTo": ["email"], "onDelete": "no action", "onUpdate": "no action",
            } },
        });
        snapshot.0["enums"]["public.user_role"] =
            json!({ "name": "user_role", "schema": "public", "values": ["admin", "member"] });
        snapshot.0["views"]["public.active_users"] = json!({
            "name": "active_users", "schema": "public", "isExisting": false, "materialized": false,
            "columns": { "email": { "name": "email", "type": "text", "primaryKey": false, "notNull": true } },
            "definition": "select \"email\" from \"users\"",
        });
        snapshot
    }

    /// The sample after `users.email` became `users.email_address`, with all that drizzle-kit makes of it.
    fn renamed() -> Snapshot {
        let text = sample().0.to_string();
        let text = text.replace("\"mail\"", "\"@\"").replace("email_lower", "@lower").replace("email", "email_address");
        Snapshot(serde_json::from_str(&text.replace("\"@\"", "\"mail\"").replace("@lower", "email_lower")).unwrap())
    }

    fn rename() -> Operation {
        Operation::RenameColumn {
            table: TableName::new("public", "users"),
            from: "email".into(),
            to: "email_address".into(),
        }
    }

    fn words(before: &Snapshot, after: &Snapshot) -> Vec<String> {
        differences(before, after, &[rename()]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_follows_from_a_declared_rename_is_no_difference() {
        assert_eq!(differences(&sample(), &renamed(), &[rename()]), [rename()]);
    }

    #[test]
    fn an_undeclared_rename_is_a_drop_an_add_and_a_question() {
        let found = differences(&sample(), &renamed(), &[]);
        assert!(found.iter().any(|operation| operation.to_string() == "drop column users.email"));
        assert!(
            found.iter().any(|operation| operation.to_string() == "drop unique users_email_unique on users(email)")
        );
        assert_eq!(rename_candidates(&sample(), &renamed()), [rename()]);
    }

    #[test]
    fn a_declared_rename_that_did_not_happen_is_not_in_the_result() {
        assert_eq!(differences(&sample(), &sample(), &[rename()]), []);
    }

    #[test]
    fn an_edit_beside_a_rename_stays_visible() {
        let mut after = renamed();
        let users = &mut after.0["tables"]["public.users"];
        users["columns"]["email_address"]["notNull"] = json!(false);
        users["checkConstraints"]["has_at"]["value"] = json!("\"users\".\"email_address\" like '%'");
        after.0["views"]["public.active_users"]["definition"] =
            json!("select \"email_address\" from \"users\" where true");
        let expected = [
            "rename column users.email → email_address",
            "drop not null users.email_address",
            "change check has_at on users: value",
            "change view active_users: columns, definition",
        ];
        assert_eq!(words(&sample(), &after), expected);
    }

    #[test]
    fn a_view_that_reads_a_view_follows_too() {
        let more = |column: &str| {
            json!({
                "name": "more", "schema": "public", "isExisting": false, "materialized": false,
                "columns": { column: { "name": column, "type": "text", "primaryKey": false, "notNull": true } },
                "definition": format!("select \"{column}\" from \"active_users\""),
            })
        };
        let (mut before, mut after) = (sample(), renamed());
        before.0["views"]["public.a_more"] = more("email");
        after.0["views"]["public.a_more"] = more("email_address");
        assert_eq!(differences(&before, &after, &[rename()]), [rename()]);
        // drizzle-kit 1.x keeps no columns of views.
        for snapshot in [&mut before, &mut after] {
            for view in snapshot.0["views"].as_object_mut().unwrap().values_mut() {
                view.as_object_mut().unwrap().remove("columns");
            }
        }
        assert_eq!(differences(&before, &after, &[rename()]), [rename()]);
    }

    #[test]
    fn a_lost_unique_constraint_is_seen_through_the_rename() {
        let mut after = renamed();
        after.0["tables"]["public.users"]["uniqueConstraints"] = json!({});
        assert_eq!(words(&sample(), &after)[1..], ["drop unique users_email_unique on users(email_address)"]);
    }

    #[test]
    fn added_columns_keep_type_default_and_what_is_special_about_them() {
        let mut after = sample();
        let columns = &mut after.0["tables"]["public.users"]["columns"];
        columns["phone"] = json!({ "name": "phone", "type": "varchar(20)", "primaryKey": false, "notNull": false });
        columns["rank"] =
            json!({ "name": "rank", "type": "integer", "primaryKey": false, "notNull": true, "default": 0 });
        columns["roles"] =
            json!({ "name": "roles", "type": "Role[]", "typeSchema": "app", "primaryKey": false, "notNull": false });
        columns["low"] = json!({ "name": "low", "type": "text", "primaryKey": false, "notNull": false, "generated": { "as": "lower(\"email\")", "type": "stored" } });
        let expected = [
            "add column users.phone (varchar(20), nullable)",
            "add column users.rank (integer, not null, default 0)",
            "add column users.roles (\"app\".\"Role\"[], nullable)",
            "add column users.low (text) with generated",
        ];
        assert_eq!(words(&sample(), &after), expected);
    }

    #[test]
    fn every_member_of_a_snapshot_is_compared() {
        let mut after = sample();
        after.0["enums"]["public.user_role"]["values"] = json!(["member", "admin", "owner"]);
        after.0["sequences"]["public.seq"] = json!({ "name": "seq", "schema": "public" });
        after.0["views"] = json!({});
        after.0["new_kind"] = json!({ "a": 1 });
        let users = &mut after.0["tables"]["public.users"];
        users["isRLSEnabled"] = json!(true);
        users["columns"]["role"]["default"] = json!("'admin'");
        users["columns"]["id"]["type"] = json!("bigserial");
        users["columns"]["id"]["identity"] = json!({ "type": "always" });
        users["future"] = json!(["x"]);
        let mut found = words(&sample(), &after);
        found.sort();
        let expected = [
            "change default of users.role from 'member' to 'admin'",
            "change future of table users",
            "change identity of column users.id",
            "change new_kind of the snapshot",
            "change type of users.id from serial to bigserial",
            "create sequence seq",
            "drop view active_users",
            "enable row level security on users",
            "enum user_role: add value 'owner'",
            "enum user_role: change the order of the values",
        ];
        assert_eq!(found, expected);
    }
}
