//! Names and texts as SQL writes them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A table, a view or a type, with its schema; `public` is left out of texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct TableName {
    pub schema: String,
    pub name: String,
}

impl TableName {
    #[must_use]
    pub fn new(schema: &str, name: &str) -> Self {
        TableName { schema: schema.to_owned(), name: name.to_owned() }
    }

    /// `"schema"."name"`, quoted for SQL.
    #[must_use]
    pub fn quoted(&self) -> String {
        let mut out = String::with_capacity(self.schema.len() + self.name.len() + 5);
        push_quoted(&mut out, &self.schema);
        out.push('.');
        push_quoted(&mut out, &self.name);
        out
    }

    /// Another one in the same schema.
    #[must_use]
    pub fn beside(&self, name: &str) -> Self {
        TableName::new(&self.schema, name)
    }
}

/// Quotes an identifier for SQL.
#[must_use]
pub fn quote(identifier: &str) -> String {
    let mut out = String::with_capacity(identifier.len() + 2);
    push_quoted(&mut out, identifier);
    out
}

fn push_quoted(out: &mut String, identifier: &str) {
    out.push('"');
    for (number, part) in identifier.split('"').enumerate() {
        out.push_str(if number == 0 { "" } else { "\"\"" });
        out.push_str(part);
    }
    out.push('"');
}

/// A list of identifiers, quoted for SQL.
#[must_use]
pub fn quoted_list<S: AsRef<str>>(identifiers: &[S]) -> String {
    identifiers.iter().map(|identifier| quote(identifier.as_ref())).collect::<Vec<_>>().join(", ")
}

/// Quotes a text as an SQL literal (`standard_conforming_strings` is on since PostgreSQL 9.1).
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A name with a dot would be read back as another schema's.
        if self.schema == "public" && !self.name.contains('.') {
            f.write_str(&self.name)
        } else {
            write!(f, "{}.{}", self.schema, self.name)
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_as_it_was_written() {
        for (schema, name) in [("public", "users"), ("app", "users"), ("public", "app.users"), ("app", "a.b")] {
            let table = TableName::new(schema, name);
            assert_eq!(TableName::from(table.to_string()), table);
        }
    }
}
