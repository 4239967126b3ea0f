//! A migrations folder of Drizzle's: the order is the journal's, and what a database has already is not reviewed again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::find::{self, How};
use super::{Part, Picked};
use crate::drizzle::history::History;
use crate::drizzle::layout::Layout;
use crate::drizzle::{Entry, snapshot};
use crate::failure::Failure;
use crate::pg::migrations::Applied;
use crate::review::set::Before;

/// Which of the files found are migrations, in the order of the history; the rest is given back.
pub(super) fn sort(part: &mut Part, here: &Path) -> Result<Vec<Picked>> {
    let history = History::load(&part.home)?;
    if let Some(dialect) = history.foreign_dialect() {
        return Err(other_database(&part.home, here, dialect).into());
    }
    let entries: Vec<PathBuf> = history.entries.iter().map(|entry| find::plain(&history.sql_path(entry))).collect();
    let places: HashMap<&PathBuf, usize> = entries.iter().zip(0..).collect();
    let place = |file: &Picked| places.get(&file.path).copied();
    let (mut listed, others): (Vec<Picked>, Vec<Picked>) =
        std::mem::take(&mut part.files).into_iter().partition(|file| place(file).is_some());
    listed.sort_by_key(place);
    // What the journal of another commit lists, the work tree's does not.
    let (mut foreign, others): (Vec<Picked>, Vec<Picked>) =
        others.into_iter().partition(|file| file.elsewhere && !file.is_companion());
    foreign.sort_by(|one, other| one.path.cmp(&other.path));
    let walked = listed.iter().chain(&others).any(|file| file.how == How::Walked);
    if let Some(missing) = entries.iter().find(|path| walked && !path.is_file()) {
        let shown = super::shown(missing, here);
        return Err(Failure::usage(format!("the journal names `{}`, and there is no such file", shown.display()))
            .hint("what else is wrong with the folder: cargo xtask db-change inventory --migrations DIR")
            .into());
    }
    listed.append(&mut foreign);
    part.files = listed;
    part.history = Some(history);
    Ok(others)
}

pub(super) fn other_database(home: &Path, here: &Path, dialect: &str) -> Failure {
    Failure::usage(format!("`{}` is not for PostgreSQL, but for {dialect}", super::shown(home, here).display()))
        .hint("name the folders that are: cargo xtask review DIR")
}

/// What the migrations before made: the snapshot, where it can be read, else their files.
pub(super) fn before(history: &History, first: &Picked) -> Before {
    let position = history.entries.iter().position(|entry| find::plain(&history.sql_path(entry)) == first.path);
    let earlier = &history.entries[..position.unwrap_or(history.entries.len())];
    // One of 1.x holds only what its migration changed.
    let last = earlier.last().filter(|_| history.layout == Layout::Journal);
    if let Some(snapshot) = last.and_then(|entry| snapshot::load(&history.snapshot_path(entry)).ok()) {
        return Before::Snapshot(Box::new(snapshot));
    }
    let texts = earlier.iter().filter_map(|entry| std::fs::read_to_string(history.sql_path(entry)).ok());
    Before::Files(texts.collect())
}

impl Part {
    /// Leaves out what a database has applied, unless a person named it; says what was left out and what is odd.
    pub fn leave_out(&mut self, rows: Option<&[Applied]>, name: &str, here: &Path) -> Vec<String> {
        let home = super::shown(&self.home, here).display().to_string();
        let Some(history) = &self.history else {
            if self.files.iter().all(|file| file.how == How::Named) {
                return Vec::new();
            }
            return vec![format!("which of these files {name} has already is not known: name those that are pending")];
        };
        let Some(rows) = rows else {
            return vec![format!(
                "{home}: {name} has no table `drizzle.__drizzle_migrations`: which of these it has already is not known"
            )];
        };
        let entry_of = |file: &Picked| -> Option<&Entry> {
            history.entries.iter().find(|entry| find::plain(&history.sql_path(entry)) == file.path)
        };
        let has =
            |file: &Picked| entry_of(file).is_some_and(|entry| rows.iter().any(|row| history.records(row, entry)));
        let mut said = Vec::new();
        let total = self.files.len();
        let named: Vec<String> =
            self.files.iter().filter(|file| file.how == How::Named && has(file)).map(Picked::name).collect();
        let newest_passed = history.skipped(rows);
        let (out, kept): (Vec<Picked>, Vec<Picked>) =
            std::mem::take(&mut self.files).into_iter().partition(|file| file.how != How::Named && has(file));
        if !out.is_empty() {
            said.push(format!("{home}: {name} has {} of {total} migrations already: not reviewed", out.len()));
        }
        if !named.is_empty() {
            said.push(format!("{name} has {} already: its rows are those of after it", named.join(", ")));
        }
        for file in &kept {
            if entry_of(file).is_some_and(|entry| newest_passed.contains(&entry)) {
                said.push(format!("{} is older than the newest in {name}: drizzle-orm passes over it", file.name()));
            }
        }
        self.pending = named.is_empty();
        self.files = kept;
        said
    }
}
