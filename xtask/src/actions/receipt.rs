//! The receipt beside a migration: whether it is there, and is of this very text.

use std::fs;

use crate::drizzle::layout::Place;
use crate::drizzle::{Entry, History};

/// Whether a run has passed with the migration as it stands.
#[must_use]
pub(super) fn proves(history: &History, entry: &Entry) -> bool {
    let sql = history.sql_path(entry);
    let path = Place::of(&sql, &entry.tag).receipt();
    let receipt = fs::read_to_string(path).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let bound = receipt.as_ref().and_then(|receipt| receipt.get("migration")?.as_str());
    bound.is_some() && bound == history.hash(entry).ok().as_deref()
}
