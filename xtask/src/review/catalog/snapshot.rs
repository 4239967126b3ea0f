//! Tables, types and indexes as Drizzle's snapshot of the migration before describes them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Column, Constraint, Enum, Index, Kind, Source, Table};
use crate::drizzle::Snapshot;
use crate::sql::TableName;
use crate::sql::action::Generated;

impl Source for Snapshot {
    fn table(&mut self, name: &TableName) -> Option<Table> {
        let found = Snapshot::table(self, name)?;
        let key = format!("{}.{}", name.schema, name.name);
        let mut table = Table { in_database: Some(name.clone()), known: true, ..Table::default() };
        for (_, column) in members(found, "columns") {
            let in_database = text(column, "name");
            let stored = column.get("generated").is_some_and(|generated| !generated.is_null());
            let identity = column.get("identity").is_some_and(|identity| !identity.is_null());
            let schema = text(column, "typeSchema");
            let data_type = text(column, "type");
            let facts = Column {
                in_database: Some(in_database.clone()),
                data_type: if schema.is_empty() {
                    data_type
                } else {
                    format!("\"{schema}\".\"{}\"", data_type.replace("[]", ""))
                },
                not_null: flag(column, "notNull") || flag(column, "primaryKey"),
                default: column.get("default").filter(|default| !default.is_null()).map(plain),
                generated: if identity { Some(Generated::Identity) } else { stored.then_some(Generated::Stored) },
                ..Column::default()
            };
            if flag(column, "primaryKey") {
                let columns = vec![in_database.clone()];
                table.index(&format!("{}_pkey", name.name), columns.clone(), true);
                table.constraint(&format!("{}_pkey", name.name), Kind::PrimaryKey, columns, None, None);
            }
            table.columns.insert(in_database, Box::new(facts));
        }
        let called = |map: &str, name: &str| self.name_in_database(&key, map, name).to_owned();
        for (name, key) in members(found, "compositePrimaryKeys") {
            let (name, columns) = (called("compositePrimaryKeys", name), list(key, "columns"));
            table.index(&name, columns.clone(), true);
            table.constraint(&name, Kind::PrimaryKey, columns, None, None);
        }
        for (name, unique) in members(found, "uniqueConstraints") {
            let (name, columns) = (called("uniqueConstraints", name), list(unique, "columns"));
            table.index(&name, columns.clone(), true);
            table.constraint(&name, Kind::Unique, columns, None, None);
        }
        for (name, check) in members(found, "checkConstraints") {
            let name = called("checkConstraints", name);
            table.constraint(&name, Kind::Check, Vec::new(), Some(text(check, "value")), None);
        }
        for (name, foreign) in members(found, "foreignKeys") {
            let schema = text(foreign, "schemaTo");
            let parent = TableName::new(if schema.is_empty() { "public" } else { &schema }, &text(foreign, "tableTo"));
            let references = Some((parent, list(foreign, "columnsTo")));
            let (name, columns) = (called("foreignKeys", name), list(foreign, "columnsFrom"));
            table.constraint(&name, Kind::ForeignKey, columns, None, references);
        }
        for (name, index) in members(found, "indexes") {
            let parts = index.get("columns").and_then(Value::as_array).into_iter().flatten();
            let (columns, others): (Vec<&Value>, Vec<&Value>) = parts.partition(|part| !flag(part, "isExpression"));
            let index = Index {
                columns: columns
                    .iter()
                    .map(|part| part.as_str().map_or_else(|| text(part, "expression"), str::to_owned))
                    .collect(),
                expressions: !others.is_empty(),
                unique: flag(index, "isUnique"),
                valid: true,
                filter: Some(text(index, "where")).filter(|filter| !filter.is_empty()),
                added: false,
            };
            table.indexes.insert(called("indexes", name), index);
        }
        Some(table)
    }

    fn enumeration(&mut self, name: &TableName) -> Option<Enum> {
        self.enum_values(name).map(|values| Enum { values, ..Enum::default() })
    }

    fn table_of_index(&mut self, index: &TableName) -> Option<TableName> {
        let holds = |table: &TableName| {
            let key = format!("{}.{}", table.schema, table.name);
            let found = Snapshot::table(self, table)?;
            let is =
                members(found, "indexes").any(|(name, _)| self.name_in_database(&key, "indexes", name) == index.name);
            (is && table.schema == index.schema).then_some(())
        };
        self.tables().into_iter().find(|table| holds(table).is_some())
    }

    fn columns_of_type(&mut self, name: &TableName) -> Vec<(TableName, String)> {
        let of = |table: TableName| {
            let columns = Snapshot::columns_of_type(self, &table, name);
            columns.into_iter().map(move |column| (table.clone(), column))
        };
        self.tables().into_iter().flat_map(of).collect()
    }
}

impl Table {
    fn index(&mut self, name: &str, columns: Vec<String>, unique: bool) {
        let index = Index { columns, expressions: false, unique, valid: true, filter: None, added: false };
        self.indexes.insert(name.to_owned(), index);
    }

    fn constraint(
        &mut self,
        name: &str,
        kind: Kind,
        columns: Vec<String>,
        expression: Option<String>,
        references: Option<(TableName, Vec<String>)>,
    ) {
        let constraint = Constraint { kind, columns, expression, valid: true, references, added: None };
        self.constraints.insert(name.to_owned(), constraint);
    }
}

fn members<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
    let found: Option<BTreeMap<&str, &Value>> = value
        .get(key)
        .and_then(Value::as_object)
        .map(|members| members.iter().map(|(name, value)| (name.as_str(), value)).collect());
    found.unwrap_or_default().into_iter()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

fn list(value: &Value, key: &str) -> Vec<String> {
    let found = value.get(key).and_then(Value::as_array).into_iter().flatten();
    found.filter_map(Value::as_str).map(str::to_owned).collect()
}
