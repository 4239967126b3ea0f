//! The parts of a table that an action names: what it must be about to matter to another that names one of them.

use crate::sql::action::{Action, CreateIndex};

/// Columns, constraints and triggers by name, whatever they are.
pub(super) fn parts(action: &Action) -> Vec<&str> {
    match action {
        Action::AddColumn(added) => vec![&added.column],
        Action::RenameColumn { from, to, .. } | Action::RenameConstraint { from, to, .. } => vec![from, to],
        Action::DropColumn { column, .. }
        | Action::SetNotNull { column, .. }
        | Action::DropNotNull { column, .. }
        | Action::SetDefault { column, .. }
        | Action::DropDefault { column, .. }
        | Action::ChangeType { column, .. }
        | Action::Identity { column, .. }
        | Action::Expression { column, .. }
        | Action::ColumnOption { column, .. } => vec![column],
        Action::Update { columns, .. } => columns.iter().map(|(column, _)| column.as_str()).collect(),
        Action::CreateIndex(CreateIndex { columns, .. }) | Action::AddForeignKey { columns, .. } => {
            columns.iter().map(String::as_str).collect()
        }
        Action::AddUnique { name, columns, .. } | Action::AddConstraint { name, columns, .. } => {
            columns.iter().chain(name).map(String::as_str).collect()
        }
        Action::CreateTrigger { name, .. } | Action::DropTrigger { name, .. } => vec![name],
        Action::SetTrigger { name, .. } => vec![name.as_deref().unwrap_or_default()],
        Action::DropConstraint { name, .. } | Action::ValidateConstraint { name, .. } => vec![name],
        _ => Vec::new(),
    }
}
