//! What a change does, as a small typed model: declared by a person, inferred from an edited schema, read back from what
//! drizzle-kit made. Intent and result are compared in these terms, so they exist once.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One operation on one object. Names are the database's, unquoted; `schema` is left out of texts when it is `public`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    AddColumn {
        table: TableName,
        column: String,
        /// As Drizzle's snapshot spells it: `text`, `varchar(20)`, `integer`.
        data_type: String,
        not_null: bool,
        /// The default as SQL text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<String>,
    },
    RenameColumn {
        table: TableName,
        from: String,
        to: String,
    },
    /// A difference that was found and has no variant of its own yet; `what` names it in words.
    Other {
        table: TableName,
        what: String,
    },
}

/// A table, with its schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct TableName {
    pub schema: String,
    pub name: String,
}

impl Operation {
    #[must_use]
    pub fn table(&self) -> &TableName {
        match self {
            Operation::AddColumn { table, .. }
            | Operation::RenameColumn { table, .. }
            | Operation::Other { table, .. } => table,
        }
    }

    /// Whether code written for the old schema stops working.
    #[must_use]
    pub fn is_breaking(&self) -> bool {
        matches!(self, Operation::RenameColumn { .. })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::AddColumn { table, column, data_type, not_null, default } => {
                let nullable = if *not_null { "not null" } else { "nullable" };
                write!(f, "add column {table}.{column} ({data_type}, {nullable}")?;
                if let Some(default) = default {
                    write!(f, ", default {default}")?;
                }
                f.write_str(")")
            }
            Operation::RenameColumn { table, from, to } => write!(f, "rename column {table}.{from} → {to}"),
            Operation::Other { what, .. } => f.write_str(what),
        }
    }
}

impl TableName {
    #[must_use]
    pub fn new(schema: &str, name: &str) -> Self {
        TableName { schema: schema.to_owned(), name: name.to_owned() }
    }

    /// `"schema"."name"`, quoted for SQL.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("{}.{}", quote(&self.schema), quote(&self.name))
    }
}

/// Quotes an identifier for SQL.
#[must_use]
pub fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Quotes a text as an SQL literal (`standard_conforming_strings` is on since PostgreSQL 9.1).
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.schema == "public" { f.write_str(&self.name) } else { write!(f, "{}.{}", self.schema, self.name) }
    }
}

impl From<TableName> for String {
    fn from(table: TableName) -> String {
        table.to_string()
    }
}

impl From<String> for TableName {
    fn from(text: String) -> TableName {
        match text.split_once('.') {
            Some((schema, name)) => TableName::new(schema, name),
            None => TableName::new("public", &text),
        }
    }
}
