//! What is wrong with the migration folders of drizzle-kit 1.x, by themselves and against a database: the kinds of problem that
//! [`super::inventory`] knows, where they can occur. There is no journal that could be out of order, and nothing is skipped.

use std::collections::BTreeMap;

use super::folders::Head;
use super::history::History;
use super::inventory::{Problem, problem};
use super::journal::Entry;

use crate::pg::migrations::Applied;

#[must_use]
pub fn problems(history: &History, applied: &[Applied]) -> Vec<Problem> {
    let mut found = Vec::new();
    for entry in history.entries.iter().filter(|entry| !history.sql_path(entry).is_file()) {
        let message = format!("`{}` has no migration.sql", entry.tag);
        let remedy = "restore the file from git: no database can be built without it";
        found.push(problem("missing_sql", Some(&entry.tag), message, remedy));
    }
    found.extend(snapshots(history));
    for entry in &history.entries {
        let Some(row) = applied.iter().find(|row| history.records(row, entry)) else { continue };
        // A missing file is reported as such already.
        if history.hash(entry).is_ok_and(|hash| hash != row.hash) {
            let message = format!("`{}` was edited after the database applied it", entry.tag);
            let remedy = "restore the file from git, and put the edit into a new migration";
            found.push(problem("edited_after_apply", Some(&entry.tag), message, remedy));
        }
    }
    found
}

/// A missing snapshot, a parent that is not there or sorts behind its child, and branches that no later migration joins.
fn snapshots(history: &History) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut known: BTreeMap<String, &Entry> = BTreeMap::new();
    let mut heads: Vec<(&Entry, Head)> = Vec::new();
    for entry in &history.entries {
        let head = match history.head(entry) {
            Ok(head) => head,
            Err(error) => {
                let remedy = "restore it from git: drizzle-kit takes a folder without one for no migration of its own";
                found.push(problem("missing_snapshot", Some(&entry.tag), error.to_string(), remedy));
                continue;
            }
        };
        let first = known.is_empty() && found.is_empty();
        let orphan = head.parents.iter().any(|parent| !known.contains_key(parent));
        if (orphan || (head.parents.is_empty() && !first)) && found.is_empty() {
            let message = format!("the snapshot of `{}` does not follow one of an earlier migration", entry.tag);
            found.push(problem("branched_snapshots", Some(&entry.tag), message, AGAIN));
        }
        known.insert(head.id.clone(), entry);
        heads.push((entry, head));
    }
    let is_parent = |id: &str| heads.iter().any(|(_, head)| head.parents.iter().any(|parent| parent == id));
    let open: Vec<&str> =
        heads.iter().filter(|(_, head)| !is_parent(&head.id)).map(|(entry, _)| entry.tag.as_str()).collect();
    if let ([.., newest], true) = (open.as_slice(), open.len() > 1 && found.is_empty()) {
        let message = format!("no migration follows all of these: {}", open.join(", "));
        found.push(problem("branched_snapshots", Some(newest), message, AGAIN));
    }
    found
}

const AGAIN: &str = "two branches generated from one state: remove the later migration's folder and generate it again";

#[cfg(test)]
mod tests {
    use super::super::snapshot;
    use super::*;
    use std::fs;

    fn history(migrations: &[(&str, &str, &[&str])]) -> (tempfile::TempDir, History) {
        let folder = tempfile::tempdir().unwrap();
        for (second, id, parents) in migrations {
            let path = folder.path().join(format!("2026010100000{second}_{id}"));
            fs::create_dir(&path).unwrap();
            fs::write(path.join("migration.sql"), format!("-- {id}")).unwrap();
            let parents = if parents.is_empty() { &[snapshot::ORIGIN] } else { *parents };
            let text = serde_json::json!({ "dialect": "postgres", "version": "9", "id": id, "prevIds": parents });
            fs::write(path.join("snapshot.json"), text.to_string()).unwrap();
        }
        let history = History::load(folder.path()).unwrap();
        (folder, history)
    }

    fn kinds(problems: &[Problem]) -> Vec<(&str, Option<&str>)> {
        problems.iter().map(|problem| (problem.kind.as_str(), problem.migration.as_deref())).collect()
    }

    #[test]
    fn a_chain_and_a_joined_branch_are_sound_and_an_open_one_is_told() {
        let sound = history(&[("0", "a", &[]), ("1", "b", &["a"]), ("2", "c", &["a"]), ("3", "d", &["c", "b"])]);
        assert_eq!(problems(&sound.1, &[]), []);
        let open = history(&[("0", "a", &[]), ("1", "b", &["a"]), ("2", "c", &["a"])]);
        assert_eq!(kinds(&problems(&open.1, &[])), [("branched_snapshots", Some("20260101000002_c"))]);
        let lost = history(&[("0", "a", &[]), ("1", "b", &["x"])]);
        assert_eq!(kinds(&problems(&lost.1, &[])), [("branched_snapshots", Some("20260101000001_b"))]);
    }

    #[test]
    fn missing_files_and_edits_after_apply_are_named() {
        let (folder, history) = history(&[("0", "a", &[]), ("1", "b", &["a"]), ("2", "c", &["b"])]);
        fs::remove_file(folder.path().join("20260101000001_b/migration.sql")).unwrap();
        fs::remove_file(folder.path().join("20260101000002_c/snapshot.json")).unwrap();
        let row = Applied { hash: "other".into(), created_at: 0, name: Some("20260101000000_a".into()) };
        let expected = [
            ("missing_sql", Some("20260101000001_b")),
            ("missing_snapshot", Some("20260101000002_c")),
            ("edited_after_apply", Some("20260101000000_a")),
        ];
        assert_eq!(kinds(&problems(&history, &[row])), expected);
    }
}
