//! A migrations folder against the rows of the migrations table: what was applied, and what never will be.
//!
//! Identity is `when`, as for drizzle-orm, which never compares a hash (0.45, pg-core/dialect). A row that no entry has is
//! another branch's, unless its hash is that of an entry: then that entry's `when` was changed.

use std::collections::{HashMap, HashSet};

use super::inventory::{Folder, Problem, problem};
use super::journal::{self, Applied, Entry};

pub(super) fn judge(folder: Folder<'_>, entries: &[Entry], applied: &[Applied]) -> Vec<Problem> {
    let mut rows: HashMap<i64, Vec<&str>> = HashMap::new();
    for (hash, created_at) in applied {
        rows.entry(*created_at).or_default().push(hash);
    }
    let times: HashSet<i64> = entries.iter().map(|entry| entry.when).collect();
    let strangers = applied.iter().filter(|(_, created_at)| !times.contains(created_at));
    let moved: HashSet<&str> = strangers.map(|(hash, _)| hash.as_str()).collect();
    let newest = applied.iter().map(|(_, created_at)| *created_at).max();
    let mut found = Vec::new();
    for entry in entries {
        if let Some(hashes) = rows.get(&entry.when) {
            if is_edited(folder, entry, hashes) {
                found.push(edited(folder, entry));
            }
            continue;
        }
        let again = journal::hash(folder.path, entry).is_ok_and(|hash| moved.contains(hash.as_str()));
        let again = again && !is_empty(folder, entry);
        let skipped = newest.is_some_and(|newest| entry.when <= newest);
        match (again, skipped) {
            (true, false) => found.push(retimed(folder, entry)),
            (false, true) => found.push(passed_over(folder, entry)),
            // Applied under another time, and passed over: nothing is lost. Or pending, as it should be.
            (true, true) | (false, false) => {}
        }
    }
    found
}

/// All empty migrations that `generate --custom` makes have one hash.
fn is_empty(folder: Folder<'_>, entry: &Entry) -> bool {
    let text = std::fs::read_to_string(journal::sql_path(folder.path, entry)).unwrap_or_default();
    text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with("--"))
}

/// Other line ends are no edit: git may have changed them on the way to the machine that applied it.
fn is_edited(folder: Folder<'_>, entry: &Entry, hashes: &[&str]) -> bool {
    // A missing file is told as such.
    let Ok(text) = std::fs::read_to_string(journal::sql_path(folder.path, entry)) else {
        return journal::hash(folder.path, entry).is_ok_and(|now| !hashes.contains(&now.as_str()));
    };
    let unix = text.replace("\r\n", "\n");
    let forms = [text, unix.replace('\n', "\r\n"), unix];
    !forms.iter().any(|form| hashes.contains(&journal::hash_of(form.as_bytes()).as_str()))
}

fn edited(folder: Folder<'_>, entry: &Entry) -> Problem {
    let sql = folder.sql(entry);
    let message = format!(
        "`{}.sql` was edited after the database applied it: that database and a new one are not the same any more",
        entry.tag
    );
    let remedy = format!(
        "bring it back as it was applied (`git log --patch -- {sql}`, `git checkout COMMIT -- {sql}`), and put the \
            edit into a new migration: `bunx drizzle-kit generate --custom`"
    );
    problem("edited_after_apply", Some(&entry.tag), message, &remedy)
}

fn retimed(folder: Folder<'_>, entry: &Entry) -> Problem {
    let message = format!(
        "the `when` of `{}` was edited after the database applied it: `migrate` would run it a second time",
        entry.tag
    );
    let journal = format!("{}/meta/_journal.json", folder.shown);
    let remedy = format!("put its `when` back as it was: `git log --patch -- {journal}`");
    problem("edited_after_apply", Some(&entry.tag), message, &remedy)
}

fn passed_over(folder: Folder<'_>, entry: &Entry) -> Problem {
    let message = format!(
        "`{}` is not applied, and `migrate` will skip it without a word: the database has a newer one",
        entry.tag
    );
    problem("would_be_skipped", Some(&entry.tag), message, &folder.again(entry))
}
