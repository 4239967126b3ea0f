//! The chain of snapshots: each names the one that it was made from (`prevId`), and drizzle-kit goes on from the last by name.
//!
//! Only `id` and `prevId` are read, so that snapshots of any version count. Invariant: an entry without a snapshot is a problem
//! only where the chain or its statements show that there was one; where the chain passes over it, it was written by hand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use serde::Deserialize;

use super::inventory::{Findings, Folder, Problem, problem};
use super::journal::{self, Entry};
use super::snapshot::ORIGIN;
use crate::sql::statements::{self, Action, Parsed, Statement};

/// What `prefix: "none"` calls every snapshot. drizzle-kit passes over names that begin with `_` (0.31.11, `prepareOutFolder`).
const NEVER_READ: &str = "_snapshot.json";

/// Kinds of statement whose effects no snapshot holds.
const OUTSIDE: &[&str] = &[
    "alter aggregate",
    "alter default privileges",
    "alter event trigger",
    "alter extension",
    "alter function",
    "alter procedure",
    "alter publication",
    "alter trigger",
    "analyze",
    "comment on",
    "compound select",
    "copy",
    "create aggregate",
    "create cast",
    "create domain",
    "create event trigger",
    "create extension",
    "create function",
    "create operator",
    "create procedure",
    "create publication",
    "create rule",
    "create statistics",
    "create trigger",
    "delete",
    "drop aggregate",
    "drop cast",
    "drop domain",
    "drop event trigger",
    "drop extension",
    "drop function",
    "drop operator",
    "drop procedure",
    "drop publication",
    "drop rule",
    "drop statistics",
    "drop trigger",
    "grant",
    "insert",
    "lock",
    "merge",
    "notify",
    "paren select",
    "refresh",
    "reset",
    "revoke",
    "select",
    "set",
    "truncate",
    "update",
    "values",
];

#[derive(Deserialize)]
struct Link {
    id: String,
    #[serde(rename = "prevId")]
    prev_id: String,
}

/// What there is under the name that an entry's snapshot has.
enum Seat<'a> {
    Link(&'a Link),
    Unusable(&'a str),
    /// An entry before has the same one: a duplicate index, told as such.
    Shared,
    Missing,
}

pub(super) fn judge(folder: Folder<'_>, entries: &[Entry], found: &mut Findings) {
    let names: Vec<String> =
        entries.iter().map(|entry| file_name(&journal::snapshot_path(folder.path, entry))).collect();
    if names.iter().any(|name| name == NEVER_READ) {
        let reason = "with `prefix: \"none\"` all migrations share `meta/_snapshot.json`, which drizzle-kit never reads: \
                      each `generate` writes the whole schema again";
        found.not_judged(&["missing_snapshot", "branched_snapshots"], reason);
        return;
    }
    let links = read_all(&folder.path.join("meta"));
    let mut walk = Walk { folder, links: &links, found: Vec::new(), children: HashMap::new() };
    walk.entries(entries, &names);
    if walk.found.is_empty() {
        walk.goes_on_from(entries, &names);
    }
    found.problems.extend(walk.found);
}

struct Walk<'a> {
    folder: Folder<'a>,
    links: &'a BTreeMap<String, Result<Link, String>>,
    found: Vec<Problem>,
    /// By the parent's id: whose snapshot has it.
    children: HashMap<&'a str, &'a str>,
}

impl<'a> Walk<'a> {
    fn entries(&mut self, entries: &'a [Entry], names: &'a [String]) {
        let mut seen = BTreeSet::new();
        let mut before = ORIGIN;
        // Entries without a snapshot since the last link; and whether something between hides what it should be.
        let (mut gap, mut hidden): (Vec<&Entry>, bool) = (Vec::new(), false);
        for (entry, name) in entries.iter().zip(names) {
            let seat = match self.links.get(name) {
                _ if !seen.insert(name) => Seat::Shared,
                Some(Ok(link)) => Seat::Link(link),
                Some(Err(reason)) => Seat::Unusable(reason),
                None => Seat::Missing,
            };
            match seat {
                Seat::Shared => hidden = true,
                Seat::Missing => gap.push(entry),
                Seat::Unusable(reason) => {
                    let message =
                        format!("the snapshot of `{}` cannot be used: {reason}; drizzle-kit stops at it", entry.tag);
                    self.missing(entry, message);
                    hidden = true;
                }
                Seat::Link(link) => {
                    let twin = self.children.insert(&link.prev_id, &entry.tag);
                    if let Some(twin) = twin {
                        let message = format!(
                            "the snapshots of `{twin}` and `{}` have the same parent: two branches generated from \
                                one state, and `generate` does nothing any more",
                            entry.tag
                        );
                        self.branched(Some(&entry.tag), message, &self.folder.again(entry));
                    } else if link.prev_id != before && !gap.is_empty() {
                        for entry in &gap {
                            let message = format!(
                                "the snapshot of `{}` is gone: drizzle-kit goes on from a newer one, but nothing \
                                    can say any more what this migration changed",
                                entry.tag
                            );
                            self.missing(entry, message);
                        }
                    } else if link.prev_id != before && !hidden {
                        let message = format!(
                            "the snapshot of `{}` does not follow the one before it: a migration between them was \
                                removed or moved",
                            entry.tag
                        );
                        self.branched(Some(&entry.tag), message, &self.folder.again(entry));
                    }
                    for lost in
                        gap.iter().filter(|lost| link.prev_id == before && repeats(self.folder.path, lost, entry))
                    {
                        let message = format!(
                            "the snapshot of `{}` was missing when `{}` was generated, which does again what it does",
                            lost.tag, entry.tag
                        );
                        self.missing(lost, message);
                    }
                    before = &link.id;
                    hidden = false;
                    gap.clear();
                }
            }
        }
        for entry in gap.into_iter().filter(|entry| changes_the_schema(self.folder.path, entry)) {
            let message = format!(
                "the snapshot of `{}` is missing, and no newer one is there: the next `generate` writes its \
                    statements once more",
                entry.tag
            );
            self.missing(entry, message);
        }
    }

    /// drizzle-kit takes every file of `meta` for a snapshot and goes on from the last by name, whatever the journal says.
    fn goes_on_from(&mut self, entries: &'a [Entry], names: &[String]) {
        let ours: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let newest = entries.iter().zip(names).rfind(|(_, name)| self.links.contains_key(*name));
        for (name, link) in self.links.iter().filter(|(name, _)| !ours.contains(name.as_str())) {
            let Ok(link) = link else { continue };
            let last = newest.is_none_or(|(_, newest)| name > newest);
            let twin = self.children.get(link.prev_id.as_str());
            if twin.is_none() && !last {
                continue;
            }
            let does = match twin {
                Some(twin) => format!("has the parent of that of `{twin}`, so that `generate` does nothing any more"),
                None => "is the last by name, so that `generate` goes on from it".to_owned(),
            };
            let message = format!("`meta/{name}` belongs to no migration of the journal and {does}");
            self.branched(
                None,
                message,
                &format!("`rm {}/meta/{name}`, then `bunx drizzle-kit generate`", self.folder.shown),
            );
        }
        let last = self.links.keys().rfind(|name| ours.contains(name.as_str()));
        if let (Some((entry, name)), Some(last)) = (newest, last)
            && name != last
            && self.found.is_empty()
        {
            let message = format!(
                "`generate` goes on from `meta/{last}`, the last by name, and not from the snapshot of the newest \
                    migration `{}`: was `migrations.prefix` changed?",
                entry.tag
            );
            let remedy = "set `migrations.prefix` in drizzle.config.ts back to what names the later files, before \
                the next `bunx drizzle-kit generate`";
            self.branched(Some(&entry.tag), message, remedy);
        }
    }

    fn missing(&mut self, entry: &Entry, message: String) {
        let remedy = Folder::restored(&self.folder.snapshot(entry));
        self.found.push(problem("missing_snapshot", Some(&entry.tag), message, &remedy));
    }

    fn branched(&mut self, migration: Option<&str>, message: String, remedy: &str) {
        self.found.push(problem("branched_snapshots", migration, message, remedy));
    }
}

/// Every snapshot of `meta`, by file name.
fn read_all(meta: &Path) -> BTreeMap<String, Result<Link, String>> {
    let files = fs::read_dir(meta).into_iter().flatten().flatten();
    let named = files.map(|file| file.file_name().to_string_lossy().into_owned());
    let names: Vec<String> = named.filter(|name| name.ends_with("_snapshot.json") && !name.starts_with('_')).collect();
    // A long history has hundreds of megabytes of them.
    let share = names.len().div_ceil(thread::available_parallelism().map_or(1, Into::into)).max(1);
    let read_some =
        |names: &[String]| -> Vec<_> { names.iter().map(|name| (name.clone(), read(&meta.join(name)))).collect() };
    thread::scope(|scope| {
        let parts: Vec<_> = names.chunks(share).map(|names| scope.spawn(move || read_some(names))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

fn read(path: &Path) -> Result<Link, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let link: Link = serde_json::from_slice(&bytes).map_err(|error| {
        let conflict = bytes.windows(8).any(|window| window == b"<<<<<<< ");
        if conflict { "it holds the marks of a merge conflict".to_owned() } else { error.to_string() }
    })?;
    if link.id.is_empty() { Err("it has no `id`".to_owned()) } else { Ok(link) }
}

/// Whether a migration may change what snapshots hold. Rows, functions, triggers, extensions and rights are not in them.
fn changes_the_schema(out: &Path, entry: &Entry) -> bool {
    // A missing file is told as such.
    let Some(parsed) = parsed(out, entry) else { return false };
    !parsed.errors.is_empty() || !parsed.statements.iter().all(is_outside)
}

/// Whether a migration changes what one before it has changed in the same words already, or makes the same table.
fn repeats(out: &Path, earlier: &Entry, later: &Entry) -> bool {
    let (Some(earlier), Some(later)) = (parsed(out, earlier), parsed(out, later)) else { return false };
    let makes = |statement: &Statement| statement.actions.iter().any(|action| matches!(action, Action::CreateTable(_)));
    let same =
        |one: &Statement, other: &Statement| one.text == other.text || (makes(one) && one.actions == other.actions);
    let changes = earlier.statements.iter().filter(|statement| !is_outside(statement));
    changes.into_iter().any(|one| later.statements.iter().any(|other| same(one, other)))
}

fn is_outside(statement: &Statement) -> bool {
    statement.actions.iter().all(|action| match action {
        Action::Transaction(_) => true,
        action => action.outside().is_some_and(|kind| OUTSIDE.contains(&kind.as_str())),
    })
}

fn parsed(out: &Path, entry: &Entry) -> Option<Parsed> {
    Some(statements::parse(&fs::read_to_string(journal::sql_path(out, entry)).ok()?))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
