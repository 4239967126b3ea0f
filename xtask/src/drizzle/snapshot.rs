//! A snapshot of the schema in the form in which drizzle-kit 0.31 keeps it (`meta/NNNN_snapshot.json`, version 7); what 1.x keeps is
//! brought into it (`entities`).
//!
//! The JSON is kept whole: what has no accessor here is still compared, key by key, so that nothing is overlooked.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde_json::{Map, Value};

use super::entities;
use crate::failure::Failure;
use crate::sql::TableName;

/// The `prevId` of a first snapshot.
pub const ORIGIN: &str = "00000000-0000-0000-0000-000000000000";

/// Where a constraint is called otherwise in the database than by its key here: table, map and key lead to that name.
pub(super) const NAMES: &str = "names in the database";

#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot(pub Value);

pub(super) static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

impl Snapshot {
    /// The snapshot before the first migration.
    #[must_use]
    pub fn empty() -> Self {
        Snapshot(serde_json::json!({
            "id": ORIGIN, "prevId": "", "version": "7", "dialect": "postgresql",
            "tables": {}, "enums": {}, "schemas": {}, "sequences": {}, "roles": {}, "policies": {}, "views": {},
            "_meta": { "columns": {}, "schemas": {}, "tables": {} }
        }))
    }

    #[must_use]
    pub fn id(&self) -> &str {
        self.text("id")
    }

    #[must_use]
    pub fn prev_id(&self) -> &str {
        self.text("prevId")
    }

    fn text(&self, key: &str) -> &str {
        self.0.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// A top-level map: `tables`, `views`, `enums` …; a missing one is empty.
    #[must_use]
    pub fn map(&self, key: &str) -> &Map<String, Value> {
        self.0.get(key).and_then(Value::as_object).unwrap_or(&NOTHING)
    }

    /// What the database calls an index or constraint that stands in `map` of a table under `key`.
    #[must_use]
    pub fn name_in_database<'a>(&'a self, table: &str, map: &str, key: &'a str) -> &'a str {
        let name = self.0.get(NAMES).and_then(|names| names.get(table)?.get(map)?.get(key)?.as_str());
        name.unwrap_or(key)
    }

    #[must_use]
    pub fn table(&self, table: &TableName) -> Option<&Value> {
        self.map("tables").get(&key(table))
    }

    #[must_use]
    pub fn tables(&self) -> Vec<TableName> {
        self.map("tables").iter().map(|(key, value)| named(key, value)).collect()
    }

    /// A column as the snapshot has it: `name`, `type`, `notNull`, `default` …
    #[must_use]
    pub fn column(&self, table: &TableName, column: &str) -> Option<&Value> {
        self.table(table)?.get("columns")?.get(column)
    }

    #[must_use]
    pub fn view(&self, view: &TableName) -> Option<&Value> {
        self.map("views").get(&key(view))
    }

    /// The labels of an enum, in their order.
    #[must_use]
    pub fn enum_values(&self, name: &TableName) -> Option<Vec<String>> {
        let values = self.map("enums").get(&key(name))?.get("values")?.as_array()?;
        Some(values.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// The columns of a table that have an enum's type, or are arrays of it.
    #[must_use]
    pub fn columns_of_type(&self, table: &TableName, name: &TableName) -> Vec<String> {
        let is = |column: &&str| {
            self.column(table, column).is_some_and(|column| {
                let of = string(column, "type");
                let base = if of.ends_with(']') { of.split_once('[').map_or(of, |(base, _)| base) } else { of };
                base == name.name && string(column, "typeSchema") == name.schema
            })
        };
        self.columns(table).into_iter().filter(is).map(str::to_owned).collect()
    }

    /// The names of all `views`, `enums` ….
    #[must_use]
    pub fn names(&self, member: &str) -> Vec<String> {
        self.map(member).iter().map(|(key, value)| named(key, value).to_string()).collect()
    }

    /// Columns of a table, in the order of the schema file.
    #[must_use]
    pub fn columns(&self, table: &TableName) -> Vec<&str> {
        let columns = self.table(table).map_or(&*NOTHING, |table| object(table, "columns"));
        columns.keys().map(String::as_str).collect()
    }
}

/// A member that should be an object; anything else reads as empty.
pub(super) fn object<'a>(value: &'a Value, key: &str) -> &'a Map<String, Value> {
    value.get(key).and_then(Value::as_object).unwrap_or(&NOTHING)
}

pub(crate) fn string<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn key(table: &TableName) -> String {
    format!("{}.{}", table.schema, table.name)
}

/// The name of an object of the snapshot; an empty `schema` is `public`, and a name may hold a dot.
pub(crate) fn named(key: &str, value: &Value) -> TableName {
    let (schema, name) = key.split_once('.').unwrap_or(("public", key));
    let schema = value.get("schema").and_then(Value::as_str).unwrap_or(schema);
    let name = value.get("name").and_then(Value::as_str).unwrap_or(name);
    TableName::new(if schema.is_empty() { "public" } else { schema }, name)
}

/// A snapshot that holds a whole schema.
///
/// Errors: not there, not JSON, not a PostgreSQL snapshot of version 7 or 9.
pub fn load(path: &Path) -> Result<Snapshot> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::step(format!("cannot read the snapshot `{}`: {error}", path.display())))?;
    parse(&text).map_err(|reason| {
        Failure::step(format!("the snapshot `{}` cannot be used: {reason}", path.display()))
            .hint("restore it from git, or bring it up to date with `drizzle-kit up`")
            .into()
    })
}

pub(super) fn parse(text: &str) -> std::result::Result<Snapshot, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if string(&value, "dialect") == "postgres" {
        return entities::convert(&value);
    }
    let snapshot = Snapshot(value);
    if snapshot.text("dialect") != "postgresql" || snapshot.text("version") != "7" {
        return Err(format!(
            "dialect `{}` version `{}` is not supported",
            snapshot.text("dialect"),
            snapshot.text("version")
        ));
    }
    if snapshot.id().is_empty() || !snapshot.0.get("tables").is_some_and(Value::is_object) {
        return Err("it has no `id` or no `tables`".to_owned());
    }
    Ok(snapshot)
}
