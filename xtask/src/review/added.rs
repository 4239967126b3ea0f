//! A column that comes to a table with rows: whether it comes at all, and whether that writes the table anew.

use super::hazard::Site;
use super::volatility::Computed;
use crate::sql::action::{Action, Column, Generated};

/// The added column, where there is a table that may have rows, and no such column yet.
#[must_use]
pub(super) fn column<'s>(site: &mut Site<'s, '_>) -> Option<&'s Column> {
    let Action::AddColumn(added) = site.action else { return None };
    if site.facts.is_new(&added.table, site.at.file) {
        return None;
    }
    let there = added.if_not_exists && site.facts.column(&added.table, &added.column).is_some();
    (!there).then_some(added)
}

/// `serial` and its sizes: a default that draws from a sequence.
#[must_use]
pub(super) fn is_serial(added: &Column) -> bool {
    let lower = added.data_type.trim().to_lowercase();
    matches!(lower.as_str(), "serial" | "serial4" | "bigserial" | "serial8" | "smallserial" | "serial2")
}

/// A default that is there and no NULL.
#[must_use]
pub(super) fn default(added: &Column) -> Option<&str> {
    let default = added.default.as_deref()?.trim();
    let null = default.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("null"))
        && (default.len() == 4 || default[4..].starts_with("::"));
    (!null).then_some(default)
}

/// Whether each row is written anew already, which another hazard tells.
pub(super) fn rewrites(site: &mut Site<'_, '_>, added: &Column) -> bool {
    let computed = default(added).is_some_and(|default| site.facts.computed(default) != Computed::Once);
    computed || is_serial(added) || matches!(added.generated, Some(Generated::Stored | Generated::Identity))
}
