//! What is wrong with a migrations folder, by itself and against a database: the mistakes that drizzle-kit passes over in silence.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::diff;
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

pub(super) fn problem(kind: &str, migration: Option<&str>, message: String, remedy: &str) -> Problem {
    debug_assert!(KINDS.contains(&kind), "an unknown kind of problem: {kind}");
    Problem { kind: kind.to_owned(), migration: migration.map(str::to_owned), message, remedy: remedy.to_owned() }
}

/// What files alone decide, and, where the rows of the migrations table are given, what they decide.
#[must_use]
pub fn problems(out: &Path, journal: &Journal, applied: Option<&[Applied]>) -> Vec<Problem> {
    let mut found = order(&journal.entries);
    found.extend(indexes(out, &journal.entries));
    for entry in &journal.entries {
        if !journal::sql_path(out, entry).is_file() {
            let message = format!("`{}.sql` is in the journal but not in the folder", entry.tag);
            found.push(problem(
                "missing_sql",
                Some(&entry.tag),
                message,
                "restore the file from git: no database can be built without it",
            ));
        }
    }
    found.extend(snapshots(out, &journal.entries));
    if let Some(applied) = applied {
        found.extend(against_database(out, &journal.entries, applied));
    }
    found
}

fn order(entries: &[Entry]) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut newest: Option<&Entry> = None;
    for entry in entries {
        if let Some(newest) = newest
            && (entry.when <= newest.when || entry.idx < newest.idx)
        {
            let message = format!(
                "`{}` (idx {}, when {}) follows `{}` (idx {}, when {})",
                entry.tag, entry.idx, entry.when, newest.tag, newest.idx, newest.when
            );
            let remedy = "remove it and generate it again on top of the newest migration: a database that has the newer one skips it";
            found.push(problem("out_of_order", Some(&entry.tag), message, remedy));
        }
        if newest.is_none_or(|newest| entry.when > newest.when) {
            newest = Some(entry);
        }
    }
    found
}

fn indexes(out: &Path, entries: &[Entry]) -> Vec<Problem> {
    let remedy = "keep the one that is already on the base branch, and generate the other again";
    let mut found = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let twin = entries[..position].iter().find(|other| {
            other.idx == entry.idx
                || other.tag == entry.tag
                || number(&other.tag).is_some_and(|other| number(&entry.tag) == Some(other))
        });
        if let Some(twin) = twin {
            let message = format!("`{}` and `{}` have the same index", twin.tag, entry.tag);
            found.push(problem("duplicate_index", Some(&entry.tag), message, remedy));
        }
    }
    for tag in stray_files(out, entries) {
        if let Some(twin) =
            entries.iter().find(|entry| number(&entry.tag).is_some() && number(&entry.tag) == number(&tag))
        {
            let message =
                format!("`{tag}.sql` has the index of `{}` and is not in the journal: it is never applied", twin.tag);
            found.push(problem("duplicate_index", Some(&tag), message, remedy));
        }
    }
    found
}

/// The digits before the first underscore.
fn number(tag: &str) -> Option<&str> {
    tag.split('_').next().filter(|prefix| !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit()))
}

fn stray_files(out: &Path, entries: &[Entry]) -> Vec<String> {
    let files = std::fs::read_dir(out).into_iter().flatten().flatten().map(|file| file.path());
    let mut tags: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql") && !journal::is_companion(path))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .filter(|tag| entries.iter().all(|entry| entry.tag != *tag))
        .collect();
    tags.sort();
    tags
}

fn snapshots(out: &Path, entries: &[Entry]) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut children: BTreeMap<String, String> = BTreeMap::new();
    let mut previous: Option<Snapshot> = None;
    let mut seen: Vec<PathBuf> = Vec::new();
    for (position, entry) in entries.iter().enumerate() {
        let path = journal::snapshot_path(out, entry);
        if seen.contains(&path) {
            previous = None;
            continue; // One file for two entries: a duplicate index, reported as such, or `prefix: "none"`.
        }
        let snapshot = match snapshot::load(&path) {
            Ok(snapshot) => snapshot,
            Err(error) => {
                let remedy = "restore it from git: drizzle-kit compares the schema with the newest snapshot it finds";
                found.push(problem("missing_snapshot", Some(&entry.tag), error.to_string(), remedy));
                previous = None;
                seen.push(path);
                continue;
            }
        };
        seen.push(path);
        let parent = snapshot.prev_id().to_owned();
        let twin = children.insert(parent.clone(), entry.tag.clone());
        let expected = if position == 0 { Some(snapshot::ORIGIN) } else { previous.as_ref().map(Snapshot::id) };
        let message = match (twin, expected) {
            (Some(twin), _) => Some(format!("the snapshots of `{twin}` and `{}` have the same parent", entry.tag)),
            (None, Some(expected)) if expected != parent => {
                Some(format!("the snapshot of `{}` does not follow the one before it", entry.tag))
            }
            _ => None,
        };
        if let Some(message) = message {
            let remedy = "two branches generated from one state: remove the later migration with its snapshot and generate it again";
            found.push(problem("branched_snapshots", Some(&entry.tag), message, remedy));
        }
        previous = Some(snapshot);
    }
    found
}

fn against_database(out: &Path, entries: &[Entry], applied: &[Applied]) -> Vec<Problem> {
    let mut found = Vec::new();
    for entry in entries {
        let Some((recorded, _)) = applied.iter().find(|(_, created_at)| *created_at == entry.when) else { continue };
        // A missing file is reported as such already.
        if let Ok(now) = journal::hash(out, entry)
            && now != *recorded
        {
            let message = format!("`{}.sql` was edited after the database applied it", entry.tag);
            found.push(problem(
                "edited_after_apply",
                Some(&entry.tag),
                message,
                "restore the file from git, and put the edit into a new migration",
            ));
        }
    }
    for entry in journal::skipped(entries, applied) {
        let message =
            format!("`{}` is not applied, and `db:migrate` will skip it: the database has a newer one", entry.tag);
        let remedy = "remove it and generate it again, so that it becomes the newest";
        found.push(problem("would_be_skipped", Some(&entry.tag), message, remedy));
    }
    found
}

/// The schema files against the newest snapshot; `None` when they are equal.
#[must_use]
pub fn schema_without_migration(latest: &Snapshot, schema: &Snapshot) -> Option<Problem> {
    let differences = diff::differences(latest, schema, &[]);
    let (first, others) = differences.split_first()?;
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    let message = format!("the schema files hold what no migration has: {first}{more}");
    Some(problem("schema_without_migration", None, message, "generate a migration for it: `cargo xtask db-change`"))
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

    fn kinds(problems: &[Problem]) -> Vec<(&str, Option<&str>)> {
        problems.iter().map(|problem| (problem.kind.as_str(), problem.migration.as_deref())).collect()
    }

    #[test]
    fn a_sound_folder_has_no_problems() {
        let (folder, journal) = folder(&[(0, 10, "0000_a", "A", snapshot::ORIGIN), (1, 20, "0001_b", "B", "A")]);
        fs::write(folder.path().join("rollback_0001_b.sql"), "").unwrap();
        let hash = journal::hash(folder.path(), &journal.entries[0]).unwrap();
        assert_eq!(problems(folder.path(), &journal, Some(&[(hash, 10)])), []);
    }

    #[test]
    fn two_merged_branches_are_seen_by_index_order_and_parent() {
        let (folder, journal) = folder(&[
            (0, 10, "0000_a", "A", snapshot::ORIGIN),
            (1, 30, "0001_b", "B", "A"),
            (2, 20, "0002_c", "C", "A"),
        ]);
        fs::write(folder.path().join("0002_d.sql"), "").unwrap();
        let found = problems(folder.path(), &journal, None);
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
        let found = problems(folder.path(), &journal, None);
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
        let found = problems(folder.path(), &journal, Some(&[("other".into(), 10), (last, 30)]));
        assert_eq!(kinds(&found), [("edited_after_apply", Some("0000_a")), ("would_be_skipped", Some("0001_b"))]);
    }
}
