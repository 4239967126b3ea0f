//! What kind of change an operation is: how much process it asks for, whether old code survives it, whether data is lost.
//!
//! Decided by the operation alone; the data of a database can only make it worse.

use super::operation::Operation;
use crate::workflow::Lane;

/// The least process that an operation needs, and why.
#[must_use]
pub fn lane(operation: &Operation) -> (Lane, &'static str) {
    use Operation as O;
    match operation {
        O::AddColumn { not_null: false, default: None, .. } => (Lane::Additive, "no data touched, old code unaffected"),
        O::CreateTable { .. } | O::CreateEnum { .. } | O::CreateView { .. } => {
            (Lane::Additive, "a new object, which old code does not know")
        }
        O::AddEnumValue { .. } => (Lane::Additive, "no row has the new value, old code never writes it"),
        O::AddIndex { unique: false, replaces: false, .. } => {
            (Lane::Additive, "no data touched; the build holds up writers as long as the table is large")
        }
        O::AddForeignKey { replaces: false, .. } => (Lane::Additive, "rows that refer to nothing decide it"),
        O::AddColumn { not_null: false, default: Some(_), .. } => {
            (Lane::Guarded, "the default decides whether the table is rewritten")
        }
        O::AddColumn { not_null: true, .. } => (Lane::Guarded, "depends on the rows that are there"),
        O::SetNotNull { .. } => (Lane::Guarded, "rows without a value decide it"),
        O::AddUnique { .. } | O::AddIndex { unique: true, .. } => (Lane::Guarded, "duplicates decide it"),
        O::AddCheck { .. } => (Lane::Guarded, "rows that break the check decide it"),
        O::AddForeignKey { .. } => (Lane::Guarded, "what happens to rows changes with the row they refer to"),
        O::DropNotNull { .. } => (Lane::Guarded, "old code may not expect to read null"),
        O::SetDefault { .. } | O::DropDefault { .. } => {
            (Lane::Guarded, "what old code leaves out is written differently")
        }
        O::DropUnique { .. } | O::DropCheck { .. } | O::DropForeignKey { .. } => {
            (Lane::Guarded, "old code may rely on what was refused")
        }
        O::DropIndex { .. } | O::AddIndex { .. } => (Lane::Guarded, "queries of old code may become slow"),
        O::CreatePolicy { .. } | O::ChangePolicy { .. } | O::DropPolicy { .. } => {
            (Lane::Guarded, "who sees which rows changes")
        }
        O::DisableRowSecurity { .. } => (Lane::Guarded, "everyone sees all rows"),
        O::Custom { .. } => (Lane::Guarded, "SQL of one's own: what it does is seen in the rehearsal"),
        O::ChangeType { from: Some(from), to, .. } if is_wider(from, to) => {
            (Lane::Guarded, "a wider type of the same kind: no row is rewritten")
        }
        O::RenameColumn { .. } | O::RenameTable { .. } => (Lane::Breaking, "old code uses the old name"),
        O::RenameEnumValue { .. } => (Lane::Breaking, "old code uses the old value"),
        O::DropColumn { .. } | O::DropTable { .. } => (Lane::Breaking, "data is lost, and old code uses it"),
        O::DropEnum { .. } => (Lane::Guarded, "PostgreSQL refuses it as long as a column has the type"),
        O::DropView { .. } | O::ChangeView { .. } => (Lane::Breaking, "old code reads it as it was"),
        O::DropEnumValue { .. } => (Lane::Breaking, "rows may hold the value, and old code writes it"),
        O::ChangeType { .. } => (Lane::Breaking, "old code reads and writes the old type"),
        O::EnableRowSecurity { .. } => (Lane::Breaking, "old code sees no row that no policy shows it"),
        O::Other { .. } => (Lane::Breaking, "what it does is not known"),
    }
}

/// Whether code written for the old schema may stop working, whatever the rows are.
#[must_use]
pub fn is_breaking(operation: &Operation) -> bool {
    lane(operation).0 == Lane::Breaking
}

/// What goes with it that no statement brings back; none where nothing is lost.
#[must_use]
pub fn loss(operation: &Operation) -> Option<String> {
    use Operation as O;
    match operation {
        O::DropColumn { table, column } => Some(format!("all values of {table}.{column}")),
        O::DropTable { table } => Some(format!("all rows of {table}")),
        O::DropEnumValue { value, .. } => Some(format!("which rows had the value {}", super::names::literal(value))),
        O::ChangeType { table, column, from, to } if !from.as_ref().is_some_and(|from| is_lossless(from, to)) => {
            Some(format!("what of {table}.{column} does not fit into {to}"))
        }
        _ => None,
    }
}

/// PostgreSQL changes these without touching a row (PostgreSQL 15 docs, ALTER TABLE: binary coercible types; a longer or no
/// limit of varchar).
#[must_use]
pub fn is_wider(from: &str, to: &str) -> bool {
    let (from, to) = (text_limit(from), text_limit(to));
    match (from, to) {
        (Some(_), Some(None)) => true,
        (Some(Some(from)), Some(Some(to))) => to >= from,
        _ => false,
    }
}

/// Every value of the one type is a value of the other, and comes back as it was.
#[must_use]
pub fn is_lossless(from: &str, to: &str) -> bool {
    let rank = |name: &str| {
        let name = name.trim().to_lowercase();
        ["smallint", "integer", "bigint", "numeric"].iter().position(|known| *known == name)
    };
    is_wider(from, to) || rank(from).zip(rank(to)).is_some_and(|(from, to)| to >= from)
}

/// `text` and `varchar` as no limit, `varchar(8)` as 8; none for other types.
fn text_limit(data_type: &str) -> Option<Option<u32>> {
    let lower = data_type.trim().to_lowercase();
    if matches!(lower.as_str(), "text" | "varchar" | "character varying") {
        return Some(None);
    }
    let inner = lower.strip_prefix("varchar(").or_else(|| lower.strip_prefix("character varying("))?;
    Some(Some(inner.strip_suffix(')')?.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widening_is_told_from_narrowing_and_from_another_type() {
        for (from, to) in [("varchar(8)", "varchar(20)"), ("varchar(8)", "text"), ("text", "varchar")] {
            assert!(is_wider(from, to), "{from} → {to}");
        }
        for (from, to) in
            [("text", "varchar(8)"), ("varchar(9)", "varchar(8)"), ("integer", "bigint"), ("text", "uuid")]
        {
            assert!(!is_wider(from, to), "{from} → {to}");
        }
        assert!(
            is_lossless("integer", "bigint") && !is_lossless("bigint", "integer") && !is_lossless("text", "integer")
        );
    }
}
