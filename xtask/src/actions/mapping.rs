//! Where the data of a change is expected afterwards: what may have another name, other values, or be gone.
//!
//! Everything else must come out as it went in. A file as drizzle-kit made it changes no value that its type does not change;
//! where a person wrote more into it, the columns that the change is about may be repaired.

use anyhow::Result;
use postgres::Client;

use super::change::Change;
use super::checks::{self, Tried};
use crate::pg::checksum::Mapping;
use crate::sql::{Operation, TableName, intent, nature, statements};

pub(super) fn mapping(change: &Change, sql: &str) -> Mapping {
    let mut mapping = Mapping::default();
    for operation in &change.operations {
        match operation {
            Operation::RenameColumn { table, from, to } => {
                mapping.columns.insert((table.clone(), from.clone()), to.clone());
            }
            Operation::RenameTable { table, to } => {
                mapping.tables.insert(table.clone(), table.beside(to));
            }
            Operation::AddColumn { table, column, .. } => {
                mapping.new_columns.insert((table.clone(), column.clone()));
            }
            Operation::DropColumn { table, column } => {
                mapping.dropped_columns.insert((table.clone(), column.clone()));
            }
            Operation::CreateTable { table, .. } => {
                mapping.new_tables.insert(table.clone());
            }
            Operation::DropTable { table } => {
                mapping.dropped_tables.insert(table.clone());
            }
            Operation::ChangeType { table, column, from, to }
                if !from.as_ref().is_some_and(|from| nature::is_lossless(from, to)) =>
            {
                mapping.changed_columns.insert((table.clone(), column.clone()));
            }
            _ => {}
        }
    }
    let renames = change.operations.iter().any(|operation| matches!(operation, Operation::RenameEnumValue { .. }));
    let custom = change.operations.iter().any(super::generate::is_custom);
    if renames || custom || !is_as_generated(change, sql) {
        let columns = change.values.iter().filter_map(|place| place.rsplit_once('.'));
        for (table, column) in columns.map(|(table, column)| (TableName::from(table.to_owned()), column)) {
            match column {
                // Of SQL of one's own, whose rows come or go as declared.
                "*" => drop(mapping.rewritten_tables.insert(table)),
                column => drop(mapping.changed_columns.insert((table, column.to_owned()))),
            }
        }
    }
    mapping
}

/// Whether no hand has written more into the file than drizzle-kit makes of the change.
fn is_as_generated(change: &Change, sql: &str) -> bool {
    intent::undeclared(&change.operations, &statements::parse(sql).statements).is_empty()
}

/// Changes the types on a copy from before, by SQL of our own: a file as generated leads to these values and no others, so that
/// they are compared. What PostgreSQL does not cast here stays open.
pub(super) fn retype(client: &mut Client, change: &Change, sql: &str, mapping: &mut Mapping) -> Result<()> {
    if !is_as_generated(change, sql) {
        return Ok(());
    }
    for operation in &change.operations {
        let Operation::ChangeType { table, column, .. } = operation else { continue };
        let place = (table.clone(), column.clone());
        let open = mapping.changed_columns.contains(&place);
        if open && matches!(checks::attempt(client, std::slice::from_ref(operation))?.as_slice(), [Tried::Done]) {
            mapping.changed_columns.remove(&place);
        }
    }
    Ok(())
}
