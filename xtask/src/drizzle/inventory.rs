//! What is wrong with a migrations folder, by itself and against a database: the mistakes that drizzle-kit passes over in silence.
//!
//! Invariant: a problem is decided, never guessed. What cannot be decided (no database, no chain of snapshots) is
//! [`NotJudged`] by its kind, and a sound folder of any shape that a drizzle-kit before 1.0 has written has no problem.
//!
//! The files are judged here, the chain of snapshots in `inventory_snapshots`, the database's rows in `inventory_applied`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;

use serde::Serialize;

use super::diff;
use super::inventory_applied;
use super::inventory_snapshots;
use super::journal::{self, Applied, Entry, Journal};
use super::snapshot::{self, Snapshot};

/// One problem; `kind` is part of the JSON interface and one of [`KINDS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub kind: String,
    pub migration: Option<String>,
    pub message: String,
    pub remedy: String,
}

/// A kind that was not decided, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotJudged {
    pub kind: String,
    pub reason: String,
}

/// What was decided about a folder, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub problems: Vec<Problem>,
    pub not_judged: Vec<NotJudged>,
}

pub const KINDS: &[&str] = &[
    "out_of_order",
    "duplicate_index",
    "missing_sql",
    "missing_snapshot",
    "branched_snapshots",
    "edited_after_apply",
    "would_be_skipped",
    "schema_without_migration",
    "table_not_exported",
];

/// The kinds that a database decides.
pub const OF_DATABASE: &[&str] = &["edited_after_apply", "would_be_skipped"];

/// The kinds that the schema files decide.
pub const OF_SCHEMA: &[&str] = &["schema_without_migration", "table_not_exported"];

/// A migrations folder, and how a person at the terminal names it.
#[derive(Clone, Copy, Debug)]
pub struct Folder<'a> {
    pub path: &'a Path,
    pub shown: &'a str,
}

impl Folder<'_> {
    pub(super) fn sql(&self, entry: &Entry) -> String {
        format!("{}/{}.sql", self.shown, entry.tag)
    }

    pub(super) fn snapshot(&self, entry: &Entry) -> String {
        let path = journal::snapshot_path(self.path, entry);
        format!("{}/{}", self.shown, path.strip_prefix(self.path).unwrap_or(&path).display())
    }

    /// How a migration that no database has yet becomes the newest.
    pub(super) fn again(&self, entry: &Entry) -> String {
        format!(
            "where no database has it yet: take its entry out of `{}/meta/_journal.json`, `rm {} {}`, then `bunx \
                drizzle-kit generate`",
            self.shown,
            self.sql(entry),
            self.snapshot(entry)
        )
    }

    /// How a file that was once committed comes back.
    pub(super) fn restored(path: &str) -> String {
        format!("`git log --oneline -- {path}` shows the commits that had it; `git checkout COMMIT -- {path}`")
    }
}

impl Findings {
    pub fn not_judged(&mut self, kinds: &[&str], reason: &str) {
        let of = |kind: &&str| NotJudged { kind: (*kind).to_owned(), reason: reason.to_owned() };
        self.not_judged.extend(kinds.iter().map(of));
    }

    #[must_use]
    pub fn has(&self, kinds: &[&str]) -> bool {
        self.problems.iter().any(|problem| kinds.contains(&problem.kind.as_str()))
    }
}

pub(super) fn problem(kind: &str, migration: Option<&str>, message: String, remedy: &str) -> Problem {
    debug_assert!(KINDS.contains(&kind), "an unknown kind of problem: {kind}");
    Problem { kind: kind.to_owned(), migration: migration.map(str::to_owned), message, remedy: remedy.to_owned() }
}

/// What files alone decide.
#[must_use]
pub fn of_files(folder: Folder<'_>, journal: &Journal) -> Findings {
    let entries = &journal.entries;
    let mut found = Findings { problems: order(folder, entries), not_judged: Vec::new() };
    found.problems.extend(indexes(folder, entries));
    found.problems.extend(entries.iter().filter(|entry| !journal::sql_path(folder.path, entry).is_file()).map(
        |entry| {
            let message = format!(
                "`{}.sql` is in the journal but not in the folder: every `migrate` of a database that lacks one fails",
                entry.tag
            );
            problem("missing_sql", Some(&entry.tag), message, &Folder::restored(&folder.sql(entry)))
        },
    ));
    inventory_snapshots::judge(folder, entries, &mut found);
    found
}

/// What files and the rows of the migrations table decide.
#[must_use]
pub fn problems(folder: Folder<'_>, journal: &Journal, applied: &[Applied]) -> Findings {
    let mut found = of_files(folder, journal);
    found.problems.extend(of_rows(folder, journal, applied));
    found
}

/// What the rows of the migrations table add.
#[must_use]
pub fn of_rows(folder: Folder<'_>, journal: &Journal, applied: &[Applied]) -> Vec<Problem> {
    inventory_applied::judge(folder, &journal.entries, applied)
}

/// SQL files that no entry of the journal names: they are never applied.
#[must_use]
pub fn unlisted(out: &Path, entries: &[Entry]) -> Vec<String> {
    let listed: HashSet<&str> = entries.iter().map(|entry| entry.tag.as_str()).collect();
    let files = std::fs::read_dir(out).into_iter().flatten().flatten().map(|file| file.path());
    let tags: BTreeSet<String> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql") && !journal::is_companion(path))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .filter(|tag| !listed.contains(tag.as_str()))
        .collect();
    tags.into_iter().collect()
}

/// drizzle-orm compares each `when` with the newest one that a database has, and drizzle-kit 0.31.11 warns of the same (`check`).
fn order(folder: Folder<'_>, entries: &[Entry]) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut newest: Option<&Entry> = None;
    for entry in entries {
        if let Some(newest) = newest
            && (entry.when <= newest.when || entry.idx < newest.idx)
        {
            let message = format!(
                "`{}` (idx {}, when {}) follows `{}` (idx {}, when {}): a database that has that one never gets this one",
                entry.tag, entry.idx, entry.when, newest.tag, newest.idx, newest.when
            );
            found.push(problem("out_of_order", Some(&entry.tag), message, &folder.again(entry)));
        }
        if newest.is_none_or(|newest| entry.when > newest.when) {
            newest = Some(entry);
        }
    }
    found
}

fn indexes(folder: Folder<'_>, entries: &[Entry]) -> Vec<Problem> {
    let mut found = Vec::new();
    let (mut by_idx, mut by_tag, mut by_number) = (HashMap::new(), HashMap::new(), HashMap::new());
    for entry in entries {
        let same_idx = by_idx.get(&entry.idx).or_else(|| by_tag.get(entry.tag.as_str()));
        let twin: Option<&Entry> = same_idx.or_else(|| by_number.get(number(&entry.tag)?)).copied();
        if let Some(twin) = twin {
            let message =
                format!("`{}` and `{}` have the same index: one comes from another branch", twin.tag, entry.tag);
            let remedy = format!("keep the one that the base branch has; the other, {}", folder.again(entry));
            found.push(problem("duplicate_index", Some(&entry.tag), message, &remedy));
        }
        by_idx.entry(entry.idx).or_insert(entry);
        by_tag.entry(entry.tag.as_str()).or_insert(entry);
        if let Some(number) = number(&entry.tag) {
            by_number.entry(number).or_insert(entry);
        }
    }
    for tag in unlisted(folder.path, entries) {
        let twin = number(&tag).and_then(|number| by_number.get(number)).filter(|twin| !is_beside(&tag, twin));
        if let Some(twin) = twin {
            let message =
                format!("`{tag}.sql` has the index of `{}` and is not in the journal: it is never applied", twin.tag);
            let remedy = format!(
                "what it does is still needed: `bunx drizzle-kit generate`, which makes it anew; in any case `rm \
                    {}/{tag}.sql`",
                folder.shown
            );
            found.push(problem("duplicate_index", Some(&tag), message, &remedy));
        }
    }
    found
}

/// The digits before the first underscore.
fn number(tag: &str) -> Option<&str> {
    tag.split('_').next().filter(|prefix| !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a file is named as one that people keep beside a migration: `0001_x.down.sql`, `0001_x_rollback.sql`, `0001_down.sql`.
fn is_beside(tag: &str, migration: &Entry) -> bool {
    const WORDS: &[&str] = &["up", "down", "rollback", "revert", "undo"];
    let rest = tag.strip_prefix(migration.tag.as_str()).or_else(|| tag.strip_prefix(number(tag)?));
    rest.is_some_and(|rest| rest.starts_with('.') || WORDS.contains(&rest.trim_start_matches(['_', '-'])))
}

/// The schema files against the newest snapshot; `None` when they are equal.
#[must_use]
pub fn schema_without_migration(latest: &Snapshot, schema: &Snapshot) -> Option<Problem> {
    let differences = diff::differences(latest, schema, &[]);
    let (first, others) = differences.split_first()?;
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    let message = format!("the schema files hold what no migration has: {first}{more}");
    Some(problem(
        "schema_without_migration",
        None,
        message,
        "generate a migration for it: `cargo xtask db-change`, or `bunx drizzle-kit generate`",
    ))
}

/// Tables that foreign keys of the schema lead to, but that no schema file exports: drizzle-kit does not see them.
#[must_use]
pub fn referenced_but_not_exported(schema: &Snapshot) -> Vec<Problem> {
    let tables = schema.tables();
    let mut found = Vec::new();
    for (key, table) in schema.map("tables") {
        for foreign_key in snapshot::object(table, "foreignKeys").values() {
            let to = snapshot::named(
                "",
                &serde_json::json!({
                    "schema": snapshot::string(foreign_key, "schemaTo"), "name": snapshot::string(foreign_key, "tableTo"),
                }),
            );
            if !tables.contains(&to) {
                let message = format!(
                    "table `{to}` is referenced by `{}` but no schema file exports it",
                    snapshot::named(key, table)
                );
                found.push(problem(
                    "table_not_exported",
                    None,
                    message,
                    "export it from a file that the config's `schema` matches",
                ));
            }
        }
    }
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(entries: &[(i64, i64, &str, &str, &str)]) -> (tempfile::TempDir, Journal) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("meta")).unwrap();
        let mut journal = Journal::empty();
        for (idx, when, tag, id, parent) in entries {
            let entry =
                Entry { idx: *idx, version: "7".into(), when: *when, tag: (*tag).to_owned(), breakpoints: true };
            fs::write(journal::sql_path(folder.path(), &entry), format!("-- {tag}")).unwrap();
            let mut snapshot = Snapshot::empty();
            snapshot.0["id"] = (*id).into();
            snapshot.0["prevId"] = (*parent).into();
            fs::write(journal::snapshot_path(folder.path(), &entry), snapshot.0.to_string()).unwrap();
            journal.entries.push(entry);
        }
        (folder, journal)
    }

    fn judged(folder: &tempfile::TempDir, journal: &Journal, applied: &[Applied]) -> Findings {
        problems(Folder { path: folder.path(), shown: "drizzle" }, journal, applied)
    }

    fn kinds(problems: &[Problem]) -> Vec<(&str, Option<&str>)> {
        problems.iter().map(|problem| (problem.kind.as_str(), problem.migration.as_deref())).collect()
    }

    #[test]
    fn a_sound_folder_has_no_problems() {
        let (folder, journal) = folder(&[(0, 10, "0000_a", "A", snapshot::ORIGIN), (1, 20, "0001_b", "B", "A")]);
        fs::write(folder.path().join("rollback_0001_b.sql"), "").unwrap();
        let hash = journal::hash(folder.path(), &journal.entries[0]).unwrap();
        assert_eq!(judged(&folder, &journal, &[(hash, 10)]), Findings::default());
    }

    #[test]
    fn two_merged_branches_are_seen_by_index_order_and_parent() {
        let (folder, journal) = folder(&[
            (0, 10, "0000_a", "A", snapshot::ORIGIN),
            (1, 30, "0001_b", "B", "A"),
            (2, 20, "0002_c", "C", "A"),
        ]);
        fs::write(folder.path().join("0002_d.sql"), "").unwrap();
        let found = judged(&folder, &journal, &[]).problems;
        let expected = [
            ("out_of_order", Some("0002_c")),
            ("duplicate_index", Some("0002_d")),
            ("branched_snapshots", Some("0002_c")),
        ];
        assert_eq!(kinds(&found), expected);
    }

    #[test]
    fn missing_files_are_named() {
        let (folder, journal) = folder(&[(0, 10, "0000_a", "A", snapshot::ORIGIN), (1, 20, "0001_b", "B", "A")]);
        fs::remove_file(folder.path().join("0001_b.sql")).unwrap();
        fs::remove_file(folder.path().join("meta/0000_snapshot.json")).unwrap();
        let found = judged(&folder, &journal, &[]).problems;
        assert_eq!(kinds(&found), [("missing_sql", Some("0001_b")), ("missing_snapshot", Some("0000_a"))]);
    }

    #[test]
    fn the_database_tells_edited_and_skipped_migrations() {
        let (folder, journal) = folder(&[
            (0, 10, "0000_a", "A", snapshot::ORIGIN),
            (1, 20, "0001_b", "B", "A"),
            (2, 30, "0002_c", "C", "B"),
        ]);
        let last = journal::hash(folder.path(), &journal.entries[2]).unwrap();
        let found = judged(&folder, &journal, &[("other".into(), 10), (last, 30)]).problems;
        assert_eq!(kinds(&found), [("edited_after_apply", Some("0000_a")), ("would_be_skipped", Some("0001_b"))]);
    }
}
