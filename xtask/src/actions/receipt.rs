//! The receipt beside a migration: whether it is there, and is of this very text.

use std::fs;
use std::path::{Path, PathBuf};

use crate::drizzle::{Entry, journal};

#[must_use]
pub(super) fn path(out: &Path, tag: &str) -> PathBuf {
    out.join("receipts").join(format!("{tag}.toml"))
}

/// Whether a run has passed with the migration as it stands.
#[must_use]
pub(super) fn proves(out: &Path, entry: &Entry) -> bool {
    let receipt = fs::read_to_string(path(out, &entry.tag)).ok().and_then(|text| text.parse::<toml::Table>().ok());
    let bound = receipt.as_ref().and_then(|receipt| receipt.get("migration")?.as_str());
    bound.is_some() && bound == journal::hash(out, entry).ok().as_deref()
}
