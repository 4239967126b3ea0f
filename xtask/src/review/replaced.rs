//! What comes in place of something that goes: a column of the same type, a table of the same columns.

use super::hazard::Site;
use super::types;
use crate::sql::TableName;
use crate::sql::action::{Action, CreateTable};

/// The new column that the dropped one may have become, and its line, where no statement before copies the values.
#[must_use]
pub(super) fn column(site: &mut Site<'_, '_>, table: &TableName, column: &str) -> Option<(String, usize)> {
    let known = site.facts.column(table, column)?;
    known.in_database.as_ref()?;
    let data_type = types::parse(&known.data_type);
    if known.data_type.is_empty() {
        return None;
    }
    let (at, added) = site.scene.added(table, &data_type).find_map(|(at, action)| match action {
        Action::AddColumn(added) if at != site.at && added.column != column && added.generated.is_none() => {
            Some((at, added))
        }
        _ => None,
    })?;
    let copies = site.scene.earlier_of(table, &added.column, site.at).any(|(_, action)| {
        matches!(action, Action::Update { columns, .. } if columns.iter().any(|(to, value)| *to == added.column && value.contains(column)))
    });
    (!copies).then(|| (added.column.clone(), site.scene.line(at)))
}

/// The new table that the dropped one may have become: each of its columns is there again.
#[must_use]
pub(super) fn table(site: &mut Site<'_, '_>, table: &TableName) -> Option<(TableName, usize)> {
    let known = site.facts.table(table).filter(|known| known.known && known.in_database.is_some())?;
    let names: Vec<&String> = known.columns.keys().collect();
    if names.len() < 2 {
        return None;
    }
    let alike = |create: &CreateTable| {
        create.table != *table
            && !create.temporary
            && !create.from_query
            && names.iter().all(|name| create.columns.iter().any(|column| column.column == **name))
    };
    let (at, create) = site.scene.tables_with(&names).find_map(|(at, action)| match action {
        Action::CreateTable(create) if alike(create) => Some((at, create)),
        _ => None,
    })?;
    let filled = site.scene.earlier(&create.table, site.at).any(|(_, action)| matches!(action, Action::Insert { .. }));
    (!filled).then(|| (create.table.clone(), site.scene.line(at)))
}
