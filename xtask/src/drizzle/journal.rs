//! The migration journal `meta/_journal.json` of drizzle-kit 0.x, and what it says about the files beside it.
//!
//! Invariant: tags, prefixes and times come from here, never from file names: `migrations.prefix` may be an index, a time or nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::digest;
use crate::failure::Failure;
use crate::pg::migrations;

/// The journal as drizzle-kit writes it; fields that a later kit adds are of no use to us.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    #[serde(default)]
    pub version: String,
    pub dialect: String,
    pub entries: Vec<Entry>,
}

/// One migration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it is left out, the place in the list: nothing of drizzle-orm reads it.
    #[serde(default = "unnumbered")]
    pub idx: i64,
    #[serde(default)]
    pub version: String,
    /// Milliseconds since 1970; what the migrations table holds as `created_at`.
    pub when: i64,
    pub tag: String,
    #[serde(default = "with_breakpoints")]
    pub breakpoints: bool,
}

fn unnumbered() -> i64 {
    -1
}

fn with_breakpoints() -> bool {
    true
}

/// A row of the migrations table: hash and `created_at`.
pub type Applied = (String, i64);

impl Journal {
    /// The journal of a folder in which nothing was generated yet.
    #[must_use]
    pub fn empty() -> Self {
        Journal { version: "7".to_owned(), dialect: "postgresql".to_owned(), entries: Vec::new() }
    }

    #[must_use]
    pub fn entry(&self, tag: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }
}

#[must_use]
pub fn path(out: &Path) -> PathBuf {
    out.join("meta").join("_journal.json")
}

/// Reads the journal of a migrations folder; a folder that does not exist, or holds no migration at all, gives an empty one.
///
/// Errors: a journal that cannot be read, SQL files without a journal.
pub fn load(out: &Path) -> Result<Journal> {
    let path = path(out);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return without_journal(out),
        Err(error) => return Err(Failure::environment(format!("cannot read `{}`: {error}", path.display())).into()),
    };
    let read: std::result::Result<Journal, _> = serde_json::from_str(&text);
    read.map(numbered).map_err(|error| {
        let failure = Failure::usage(format!("the migration journal `{}` is not as drizzle-kit writes it", path.display()))
            .detail(error.to_string());
        if text.contains("<<<<<<<") {
            failure.hint("it holds the marks of a merge conflict: keep the base branch's entries and generate your migration again").into()
        } else {
            failure.hint(format!("restore it: `git checkout -- {}`", path.display())).into()
        }
    })
}

/// Entries that people add by hand leave out what nothing reads.
fn numbered(mut journal: Journal) -> Journal {
    for (place, entry) in (0..).zip(&mut journal.entries) {
        if entry.idx == unnumbered() {
            entry.idx = place;
        }
    }
    journal
}

fn without_journal(out: &Path) -> Result<Journal> {
    let names = |inside: &str| glob::glob(&format!("{}/{inside}", glob::Pattern::escape(&out.to_string_lossy())));
    if names("*.sql")?.flatten().any(|path| !is_companion(&path)) {
        return Err(Failure::usage(format!("`{}` holds SQL files but no `meta/_journal.json`", out.display()))
            .hint("restore the `meta` folder: drizzle-kit applies what the journal lists, and nothing else")
            .into());
    }
    Ok(Journal::empty())
}

/// Whether an SQL file in the migrations folder is one of ours beside a migration, and no migration itself.
#[must_use]
pub(super) fn is_companion(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.starts_with("rollback_") || name.ends_with(".online.sql") || name.ends_with(".cleanup.sql")
}

#[must_use]
pub fn sql_path(out: &Path, entry: &Entry) -> PathBuf {
    out.join(format!("{}.sql", entry.tag))
}

/// drizzle-kit names a snapshot by the prefix of the tag; with `prefix: "none"` the prefix is empty, and all share one file.
#[must_use]
pub fn snapshot_path(out: &Path, entry: &Entry) -> PathBuf {
    let prefix = entry.tag.split('_').next().unwrap_or(&entry.tag);
    out.join("meta").join(format!("{prefix}_snapshot.json"))
}

/// The hash of a migration as drizzle-orm 0.45 records it (`migrator.js`): SHA-256 over the file read as UTF-8.
pub fn hash(out: &Path, entry: &Entry) -> Result<String> {
    hash_of_file(&sql_path(out, entry))
}

pub(super) fn hash_of_file(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|error| {
        Failure::step(format!("cannot read the migration `{}`: {error}", path.display()))
            .hint("run `cargo xtask db-change inventory` to see what else is missing")
    })?;
    Ok(hash_of(&bytes))
}

#[must_use]
pub fn hash_of(sql: &[u8]) -> String {
    digest::of(String::from_utf8_lossy(sql).as_bytes())
}

/// The rows as this layout looks at them.
pub(super) fn times(rows: &[migrations::Applied]) -> Vec<Applied> {
    rows.iter().map(|row| (row.hash.clone(), row.created_at)).collect()
}

/// The entries that the database has not recorded. Identity is `when`: an edited file keeps it, a renumbered one does not.
#[must_use]
pub fn pending<'a>(entries: &'a [Entry], applied: &[Applied]) -> Vec<&'a Entry> {
    entries.iter().filter(|entry| !applied.iter().any(|(_, created_at)| *created_at == entry.when)).collect()
}

/// The pending entries that drizzle-orm passes over: it looks only at the newest `created_at` (`pg-core/dialect.js`, `migrate`).
#[must_use]
pub fn skipped<'a>(entries: &'a [Entry], applied: &[Applied]) -> Vec<&'a Entry> {
    let newest = applied.iter().map(|(_, created_at)| *created_at).max();
    pending(entries, applied).into_iter().filter(|entry| newest.is_some_and(|newest| entry.when <= newest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(idx: i64, when: i64) -> Entry {
        Entry { idx, version: "7".into(), when, tag: format!("{idx:04}_x"), breakpoints: true }
    }

    #[test]
    fn a_pending_migration_older_than_the_newest_applied_one_is_skipped() {
        let entries = [entry(0, 10), entry(1, 20), entry(2, 15), entry(3, 30)];
        let applied = [("a".to_owned(), 10), ("b".to_owned(), 20)];
        assert_eq!(pending(&entries, &applied).len(), 2);
        assert_eq!(skipped(&entries, &applied), [&entries[2]]);
        assert!(skipped(&entries, &[]).is_empty());
    }

    #[test]
    fn a_folder_without_journal_is_empty_only_when_it_holds_no_migrations() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(&folder.path().join("none")).unwrap().entries.is_empty());
        fs::write(folder.path().join("rollback_0000_a.sql"), "").unwrap();
        assert!(load(folder.path()).unwrap().entries.is_empty());
        fs::write(folder.path().join("0000_a.sql"), "").unwrap();
        assert!(load(folder.path()).unwrap_err().to_string().contains("no `meta/_journal.json`"));
    }
}
