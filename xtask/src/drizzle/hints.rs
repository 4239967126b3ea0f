//! The declared operations as the hints of drizzle-kit 1.x: what it would ask at a terminal, answered beforehand.
//!
//! A hint that answers no question does no harm; a question without a hint ends the call (1.0.0-rc.5, `skills/drizzle/hints.md` in
//! the package). A kind of operation that drizzle-kit asks about is an arm here.

use serde::{Deserialize, Serialize};

use crate::sql::{Operation, TableName};

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Hint {
    Rename { kind: &'static str, from: Vec<String>, to: Vec<String> },
    Create { kind: &'static str, entity: Vec<String> },
}

#[must_use]
pub(super) fn of(declared: &[Operation]) -> Vec<Hint> {
    declared.iter().filter_map(hint).collect()
}

fn hint(operation: &Operation) -> Option<Hint> {
    match operation {
        Operation::RenameColumn { table, from, to } => {
            Some(Hint::Rename { kind: "column", from: in_table(table, from), to: in_table(table, to) })
        }
        Operation::AddColumn { table, column, .. } => {
            Some(Hint::Create { kind: "column", entity: in_table(table, column) })
        }
        Operation::RenameTable { table, to } => {
            Some(Hint::Rename { kind: "table", from: name(table), to: name(&table.beside(to)) })
        }
        Operation::CreateTable { table, .. } => Some(Hint::Create { kind: "table", entity: name(table) }),
        Operation::CreateEnum { name: of, .. } => Some(Hint::Create { kind: "enum", entity: name(of) }),
        Operation::CreateView { view, .. } => Some(Hint::Create { kind: "view", entity: name(view) }),
        Operation::CreatePolicy { table, name } => Some(Hint::Create { kind: "policy", entity: in_table(table, name) }),
        _ => None,
    }
}

fn name(of: &TableName) -> Vec<String> {
    vec![of.schema.clone(), of.name.clone()]
}

fn in_table(table: &TableName, name: &str) -> Vec<String> {
    vec![table.schema.clone(), table.name.clone(), name.to_owned()]
}

/// A question that no hint answered.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Question {
    #[serde(rename = "type")]
    asks: String,
    kind: String,
    entity: Vec<String>,
}

impl Question {
    pub(super) fn in_words(&self) -> String {
        let Question { asks, kind, entity } = self;
        let name = entity.join(".");
        match asks.as_str() {
            "rename_or_create" => format!("is {kind} {name} created or renamed from another {kind}?"),
            "confirm_data_loss" => format!("may {kind} {name} go with its data?"),
            asks => format!("{asks}: {kind} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_operations_become_the_hints_that_drizzle_kit_reads() {
        let table = TableName::new("public", "users");
        let rename = Operation::RenameColumn { table: table.clone(), from: "email".into(), to: "email_address".into() };
        let add = Operation::AddColumn {
            table: table.clone(),
            column: "phone".into(),
            data_type: "text".into(),
            not_null: false,
            default: None,
        };
        let other = Operation::Other { table, what: "drop column users.name".into() };
        assert_eq!(
            serde_json::to_string(&of(&[rename, add, other])).unwrap(),
            r#"[{"type":"rename","kind":"column","from":["public","users","email"],"to":["public","users","email_address"]},"#
                .to_owned()
                + r#"{"type":"create","kind":"column","entity":["public","users","phone"]}]"#
        );
    }
}
