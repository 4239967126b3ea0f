//! What a change does, as a small typed model: declared by a person, inferred from an edited schema, read back from what
//! drizzle-kit made. Intent and result are compared in these terms, so they exist once.
//!
//! A declaration may leave out what the schema files decide (the text of a check, the columns of a new table); a result never
//! does. [`Operation::is_done_by`] is the one place that compares the two.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::names::{TableName, literal};

/// One operation on one object. Names are the database's, unquoted; types, defaults and expressions are SQL as Drizzle's
/// snapshot spells it: `varchar(20)`, `gen_random_uuid()`, `"users"."age" > 0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    AddColumn {
        table: TableName,
        column: String,
        data_type: String,
        #[serde(default)]
        not_null: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<String>,
    },
    DropColumn {
        table: TableName,
        column: String,
    },
    RenameColumn {
        table: TableName,
        from: String,
        to: String,
    },
    ChangeType {
        table: TableName,
        column: String,
        /// As it is on the base; filled in there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        to: String,
    },
    SetNotNull {
        table: TableName,
        column: String,
    },
    DropNotNull {
        table: TableName,
        column: String,
    },
    SetDefault {
        table: TableName,
        column: String,
        default: String,
    },
    DropDefault {
        table: TableName,
        column: String,
    },
    AddUnique {
        table: TableName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        columns: Vec<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        nulls_not_distinct: bool,
        #[serde(default, skip_serializing_if = "is_false")]
        replaces: bool,
    },
    DropUnique {
        table: TableName,
        name: String,
    },
    AddCheck {
        table: TableName,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expression: Option<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        replaces: bool,
    },
    DropCheck {
        table: TableName,
        name: String,
    },
    AddForeignKey {
        table: TableName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        columns: Vec<String>,
        to: TableName,
        to_columns: Vec<String>,
        /// `cascade`, `restrict`, `set null`, `set default`; none is `no action`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_delete: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_update: Option<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        replaces: bool,
    },
    DropForeignKey {
        table: TableName,
        name: String,
    },
    AddIndex {
        table: TableName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Columns, or expressions.
        columns: Vec<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        unique: bool,
        /// What else it has: method, order, condition, as SQL after the table's name; none is a plain btree.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        replaces: bool,
    },
    DropIndex {
        table: TableName,
        name: String,
    },
    CreateTable {
        table: TableName,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        columns: Vec<NewColumn>,
    },
    DropTable {
        table: TableName,
    },
    RenameTable {
        table: TableName,
        to: String,
    },
    CreateEnum {
        #[serde(rename = "enum")]
        name: TableName,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        values: Vec<String>,
    },
    DropEnum {
        #[serde(rename = "enum")]
        name: TableName,
    },
    AddEnumValue {
        #[serde(rename = "enum")]
        name: TableName,
        value: String,
    },
    DropEnumValue {
        #[serde(rename = "enum")]
        name: TableName,
        value: String,
    },
    RenameEnumValue {
        #[serde(rename = "enum")]
        name: TableName,
        from: String,
        to: String,
    },
    CreateView {
        view: TableName,
        /// Its query.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<String>,
    },
    ChangeView {
        view: TableName,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<String>,
    },
    DropView {
        view: TableName,
    },
    CreatePolicy {
        table: TableName,
        name: String,
    },
    ChangePolicy {
        table: TableName,
        name: String,
    },
    DropPolicy {
        table: TableName,
        name: String,
    },
    EnableRowSecurity {
        table: TableName,
    },
    DisableRowSecurity {
        table: TableName,
    },
    /// SQL that a person writes into an empty migration: functions, triggers, data.
    Custom {
        what: String,
        /// The tables that it reads or writes.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tables: Vec<TableName>,
        /// Columns whose values it changes, as `table.column`; everything else must come out as it went in.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        writes: Vec<String>,
    },
    /// A difference that was found and has no variant of its own; `what` names it in words.
    Other {
        table: TableName,
        what: String,
    },
}

/// A column of a new table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewColumn {
    pub name: String,
    pub data_type: String,
    /// Whether an insert has to give a value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// `table.column` of a foreign key on this column alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's `skip_serializing_if` gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Operation {
    /// The table that it is about; none for enums, views and SQL of one's own.
    #[must_use]
    pub fn table(&self) -> Option<&TableName> {
        use Operation as O;
        match self {
            O::AddColumn { table, .. }
            | O::DropColumn { table, .. }
            | O::RenameColumn { table, .. }
            | O::ChangeType { table, .. }
            | O::SetNotNull { table, .. }
            | O::DropNotNull { table, .. }
            | O::SetDefault { table, .. }
            | O::DropDefault { table, .. }
            | O::AddUnique { table, .. }
            | O::DropUnique { table, .. }
            | O::AddCheck { table, .. }
            | O::DropCheck { table, .. }
            | O::AddForeignKey { table, .. }
            | O::DropForeignKey { table, .. }
            | O::AddIndex { table, .. }
            | O::DropIndex { table, .. }
            | O::CreateTable { table, .. }
            | O::DropTable { table }
            | O::RenameTable { table, .. }
            | O::CreatePolicy { table, .. }
            | O::ChangePolicy { table, .. }
            | O::DropPolicy { table, .. }
            | O::EnableRowSecurity { table }
            | O::DisableRowSecurity { table }
            | O::Other { table, .. } => Some(table),
            O::CreateEnum { .. }
            | O::DropEnum { .. }
            | O::AddEnumValue { .. }
            | O::DropEnumValue { .. }
            | O::RenameEnumValue { .. }
            | O::CreateView { .. }
            | O::ChangeView { .. }
            | O::DropView { .. }
            | O::Custom { .. } => None,
        }
    }

    /// The object that it is about, as people name it: `users.email`, `users`, `user_role`.
    #[must_use]
    pub fn object(&self) -> String {
        use Operation as O;
        match self {
            O::AddColumn { table, column, .. }
            | O::DropColumn { table, column }
            | O::RenameColumn { table, from: column, .. }
            | O::ChangeType { table, column, .. }
            | O::SetNotNull { table, column }
            | O::DropNotNull { table, column }
            | O::SetDefault { table, column, .. }
            | O::DropDefault { table, column } => format!("{table}.{column}"),
            O::AddUnique { table, columns, .. } | O::AddForeignKey { table, columns, .. } => {
                format!("{table}.{}", columns.join("+"))
            }
            O::CreateEnum { name, .. }
            | O::DropEnum { name }
            | O::AddEnumValue { name, .. }
            | O::DropEnumValue { name, .. }
            | O::RenameEnumValue { name, .. } => name.to_string(),
            O::CreateView { view, .. } | O::ChangeView { view, .. } | O::DropView { view } => view.to_string(),
            O::Custom { tables, what, .. } => match tables.as_slice() {
                [] => what.clone(),
                tables => tables.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            },
            other => other.table().map(ToString::to_string).unwrap_or_default(),
        }
    }

    /// Whether a result is what this declares: the same, but for what a declaration may leave to the schema files.
    #[must_use]
    pub fn is_done_by(&self, result: &Operation) -> bool {
        use Operation as O;
        if self == result {
            return true;
        }
        let mut filled = self.clone();
        match (&mut filled, result) {
            (O::ChangeType { from: from @ None, .. }, O::ChangeType { from: found, .. }) => from.clone_from(found),
            (O::AddCheck { expression: text @ None, .. }, O::AddCheck { expression: found, .. }) => {
                text.clone_from(found);
            }
            (O::CreateView { definition: text @ None, .. }, O::CreateView { definition: found, .. })
            | (O::ChangeView { definition: text @ None, .. }, O::ChangeView { definition: found, .. }) => {
                text.clone_from(found);
            }
            (O::CreateTable { columns, .. }, O::CreateTable { columns: found, .. }) if columns.is_empty() => {
                columns.clone_from(found);
            }
            (O::CreateEnum { values, .. }, O::CreateEnum { values: found, .. }) if values.is_empty() => {
                values.clone_from(found);
            }
            (
                O::AddIndex { name, definition, .. },
                O::AddIndex { name: found_name, definition: found_definition, .. },
            ) => {
                if name.is_none() {
                    name.clone_from(found_name);
                }
                if definition.is_none() {
                    definition.clone_from(found_definition);
                }
            }
            (O::AddUnique { name: name @ None, .. }, O::AddUnique { name: found, .. })
            | (O::AddForeignKey { name: name @ None, .. }, O::AddForeignKey { name: found, .. }) => {
                name.clone_from(found);
            }
            _ => {}
        }
        filled == *result
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Operation as O;
        let verb = |replaces: &bool| if *replaces { "change" } else { "add" };
        match self {
            O::AddColumn { table, column, data_type, not_null, default } => {
                let nullable = if *not_null { "not null" } else { "nullable" };
                write!(f, "add column {table}.{column} ({data_type}, {nullable}")?;
                if let Some(default) = default {
                    write!(f, ", default {default}")?;
                }
                f.write_str(")")
            }
            O::DropColumn { table, column } => write!(f, "drop column {table}.{column}"),
            O::RenameColumn { table, from, to } => write!(f, "rename column {table}.{from} → {to}"),
            O::ChangeType { table, column, from, to } => {
                write!(f, "change type of {table}.{column}")?;
                if let Some(from) = from {
                    write!(f, " from {from}")?;
                }
                write!(f, " to {to}")
            }
            O::SetNotNull { table, column } => write!(f, "set not null {table}.{column}"),
            O::DropNotNull { table, column } => write!(f, "drop not null {table}.{column}"),
            O::SetDefault { table, column, default } => write!(f, "set default of {table}.{column} to {default}"),
            O::DropDefault { table, column } => write!(f, "drop default of {table}.{column}"),
            O::AddUnique { table, columns, nulls_not_distinct, replaces, .. } => {
                let nulls = if *nulls_not_distinct { " nulls not distinct" } else { "" };
                write!(f, "{} unique on {table}({}){nulls}", verb(replaces), columns.join(", "))
            }
            O::DropUnique { table, name } => write!(f, "drop unique {name} on {table}"),
            O::AddCheck { table, name, replaces, .. } => write!(f, "{} check {name} on {table}", verb(replaces)),
            O::DropCheck { table, name } => write!(f, "drop check {name} on {table}"),
            O::AddForeignKey { table, columns, to, to_columns, on_delete, on_update, replaces, .. } => {
                let (columns, to_columns) = (columns.join(", "), to_columns.join(", "));
                write!(f, "{} foreign key {table}({columns}) → {to}({to_columns})", verb(replaces))?;
                for (event, action) in [("delete", on_delete), ("update", on_update)] {
                    if let Some(action) = action {
                        write!(f, " on {event} {action}")?;
                    }
                }
                Ok(())
            }
            O::DropForeignKey { table, name } => write!(f, "drop foreign key {name} on {table}"),
            O::AddIndex { table, columns, unique, replaces, .. } => {
                let unique = if *unique { "unique " } else { "" };
                write!(f, "{} {unique}index on {table}({})", verb(replaces), columns.join(", "))
            }
            O::DropIndex { table, name } => write!(f, "drop index {name} on {table}"),
            O::CreateTable { table, .. } => write!(f, "create table {table}"),
            O::DropTable { table } => write!(f, "drop table {table}"),
            O::RenameTable { table, to } => write!(f, "rename table {table} → {to}"),
            O::CreateEnum { name, .. } => write!(f, "create enum {name}"),
            O::DropEnum { name } => write!(f, "drop enum {name}"),
            O::AddEnumValue { name, value } => write!(f, "add value {} to enum {name}", literal(value)),
            O::DropEnumValue { name, value } => write!(f, "drop value {} of enum {name}", literal(value)),
            O::RenameEnumValue { name, from, to } => {
                write!(f, "rename value {} → {} of enum {name}", literal(from), literal(to))
            }
            O::CreateView { view, .. } => write!(f, "create view {view}"),
            O::ChangeView { view, .. } => write!(f, "change view {view}"),
            O::DropView { view } => write!(f, "drop view {view}"),
            O::CreatePolicy { table, name } => write!(f, "create policy {name} on {table}"),
            O::ChangePolicy { table, name } => write!(f, "change policy {name} on {table}"),
            O::DropPolicy { table, name } => write!(f, "drop policy {name} on {table}"),
            O::EnableRowSecurity { table } => write!(f, "enable row level security on {table}"),
            O::DisableRowSecurity { table } => write!(f, "disable row level security on {table}"),
            O::Custom { what, .. } => write!(f, "custom SQL: {what}"),
            O::Other { what, .. } => f.write_str(what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_leaves_to_the_schema_files_only_what_they_decide() {
        let table = TableName::new("public", "users");
        let check = |expression: Option<&str>| Operation::AddCheck {
            table: table.clone(),
            name: "adult".into(),
            expression: expression.map(str::to_owned),
            replaces: false,
        };
        assert!(check(None).is_done_by(&check(Some("age > 17"))));
        assert!(!check(Some("age > 17")).is_done_by(&check(Some("age > 20"))));
        let unique = |name: Option<&str>, columns: &[&str]| Operation::AddUnique {
            table: table.clone(),
            name: name.map(str::to_owned),
            columns: columns.iter().map(ToString::to_string).collect(),
            nulls_not_distinct: false,
            replaces: false,
        };
        assert!(unique(None, &["a"]).is_done_by(&unique(Some("u"), &["a"])));
        assert!(!unique(None, &["a"]).is_done_by(&unique(Some("u"), &["b"])));
        assert!(!unique(Some("v"), &["a"]).is_done_by(&unique(Some("u"), &["a"])));
        let drop = Operation::DropTable { table: table.clone() };
        assert!(!drop.is_done_by(&Operation::CreateTable { table, columns: Vec::new() }));
    }

    #[test]
    fn an_operation_is_written_in_a_file_as_it_is_read() {
        let text = "kind = \"add_foreign_key\"\ntable = \"invites\"\ncolumns = [\"email\"]\nto = \"users\"\nto_columns = [\"email\"]\non_delete = \"cascade\"\n";
        let operation: Operation = toml::from_str(text).unwrap();
        assert_eq!(operation.to_string(), "add foreign key invites(email) → users(email) on delete cascade");
        assert_eq!(toml::to_string(&operation).unwrap(), text);
        let enumerated = "kind = \"add_enum_value\"\nenum = \"user_role\"\nvalue = \"owner\"\n";
        assert_eq!(toml::to_string(&toml::from_str::<Operation>(enumerated).unwrap()).unwrap(), enumerated);
        assert!(toml::from_str::<Operation>("kind = \"drop_table\"\ntable = \"x\"\ncascade = true").is_err());
    }
}
