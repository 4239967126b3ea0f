//! What the session that runs the files holds and has been told at one point: locks of the open transaction, values of an enum that
//! are not committed yet, `lock_timeout`, and which once-only findings were given.
//!
//! Invariant: each statement adds to it and nothing looks back at all of it, so that ten thousand statements cost ten thousand times one.

use std::sync::Arc;

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use super::cost::Cost;
use super::lock::Lock;
use super::scene::{At, Scene};
use super::set::Transaction;
use crate::sql::TableName;
use crate::sql::action::{Action, Control, Rows};

/// A lock on a table that was there before, which keeps others waiting until the transaction ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub table: TableName,
    pub lock: Lock,
    pub at: At,
    pub line: usize,
}

/// A value that ALTER TYPE … ADD VALUE added in the open transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub of: TableName,
    pub line: usize,
}

/// How often a file alters a table, and the last one that read or wrote all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alters {
    pub statements: usize,
    pub whole: Option<At>,
}

/// What the statements until here wrote into a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub statements: usize,
    pub first: Option<At>,
    /// Rows of INSERT … VALUES.
    pub rows: i64,
    /// Line of the first statement that adds nobody knows how many.
    pub unknown: Option<usize>,
}

#[derive(Default)]
pub struct Session {
    file: usize,
    transaction: usize,
    /// Line of the BEGIN that is open.
    pub begun: Option<usize>,
    /// In the order in which they were taken, a table again where its lock became stronger.
    taken: Vec<Taken>,
    strongest: HashMap<TableName, Lock>,
    pub labels: HashMap<String, Label>,
    timeout: Option<String>,
    local_timeout: Option<String>,
    /// ALTERs of each table in this file.
    pub alters: HashMap<TableName, Alters>,
    told: HashSet<(&'static str, usize, String)>,
    written: HashMap<TableName, Written>,
    /// Tables whose row security was switched on, and materialized views that were made.
    secured: HashSet<TableName>,
    materialized: HashSet<TableName>,
    /// The statement that findings were last made about, and its text.
    text: Option<(usize, usize, Arc<str>)>,
    /// UPDATEs of this file over few values of a key, by table and key, where somebody asked.
    pub pieces: HashMap<TableName, HashMap<String, Vec<At>>>,
}

impl Session {
    /// What the files so far locked is free: those that come are run some other day.
    pub fn settle(&mut self) {
        self.taken.clear();
        self.strongest.clear();
    }

    /// Goes to an action's place: what another transaction held is free.
    pub fn enter(&mut self, scene: &Scene, at: At) {
        let span = scene.span(at);
        if span.number != self.transaction {
            self.transaction = span.number;
            self.taken.clear();
            self.strongest.clear();
            self.labels.clear();
            self.local_timeout = None;
        }
        if at.file != self.file {
            self.file = at.file;
            self.alters.clear();
            self.pieces.clear();
            self.begun = None;
            // Each file may be run by a session of its own.
            if scene.files[at.file].transaction == Transaction::Own {
                self.timeout = None;
            }
        }
    }

    /// Takes note of an action that has been judged. `costs`: those on tables that were there before.
    pub fn note<'c>(
        &mut self,
        action: &Action,
        costs: impl Iterator<Item = &'c Cost>,
        at: At,
        line: usize,
        block: bool,
    ) {
        match action {
            Action::Transaction(Control::Begin) => self.begun = Some(line),
            Action::Transaction(Control::Commit | Control::Rollback) => self.begun = None,
            Action::Set { name, value, local } if name.eq_ignore_ascii_case("lock_timeout") => {
                let slot = if *local { &mut self.local_timeout } else { &mut self.timeout };
                *slot = (!*local || block).then(|| value.clone());
            }
            Action::Reset { name } if name.eq_ignore_ascii_case("lock_timeout") || name == "all" => {
                (self.timeout, self.local_timeout) = (None, None);
            }
            _ => {}
        }
        self.keep(action, at, line);
        if !block {
            return;
        }
        if let Action::AddEnumValue { name, value, .. } = action {
            self.labels.insert(value.clone(), Label { of: name.clone(), line });
        }
        for cost in costs {
            let stronger = self.strongest.get(&cost.table).is_none_or(|held| *held < cost.lock);
            if cost.lock.stops_writes() && stronger {
                self.strongest.insert(cost.table.clone(), cost.lock);
                self.taken.push(Taken { table: cost.table.clone(), lock: cost.lock, at, line });
            }
        }
    }

    /// What stays known to the end, whatever transaction it was in.
    fn keep(&mut self, action: &Action, at: At, line: usize) {
        match action {
            Action::Update { .. }
            | Action::Insert { .. }
            | Action::Delete { .. }
            | Action::Merge { .. }
            | Action::Copy { .. }
            | Action::Truncate { .. } => {
                for table in action.tables() {
                    let written = self.written.entry(table.clone()).or_default();
                    written.statements += 1;
                    written.first.get_or_insert(at);
                    match action {
                        Action::Insert { rows: Rows::Values(rows), .. } => {
                            written.rows = written.rows.saturating_add(i64::try_from(*rows).unwrap_or(i64::MAX));
                        }
                        Action::Insert { .. } | Action::Merge { .. } | Action::Copy { from: true, .. } => {
                            written.unknown.get_or_insert(line);
                        }
                        _ => {}
                    }
                }
            }
            Action::RowSecurity { table, enable: true, force: false } => {
                self.secured.insert(table.clone());
            }
            Action::CreateView { name, materialized: true, .. } => {
                self.materialized.insert(name.clone());
            }
            _ => {}
        }
    }

    /// One copy of a statement's text, however many findings are about it.
    pub fn text(&mut self, at: At, text: &str) -> Arc<str> {
        match &self.text {
            Some((file, statement, kept)) if (*file, *statement) == (at.file, at.statement) => kept.clone(),
            _ => {
                let kept: Arc<str> = text.into();
                self.text = Some((at.file, at.statement, kept.clone()));
                kept
            }
        }
    }

    #[must_use]
    pub fn written(&self, table: &TableName) -> Written {
        self.written.get(table).copied().unwrap_or_default()
    }

    /// Whether row security was switched on before.
    #[must_use]
    pub fn secured(&self, table: &TableName) -> bool {
        self.secured.contains(table)
    }

    /// Whether the files made the materialized view before.
    #[must_use]
    pub fn materialized(&self, name: &TableName) -> bool {
        self.materialized.contains(name)
    }

    /// Locks that statements before this one took and that are still held.
    pub fn held(&self, at: At) -> &[Taken] {
        let own = self.taken.partition_point(|taken| (taken.at.file, taken.at.statement) < (at.file, at.statement));
        &self.taken[..own]
    }

    /// How many tables are locked.
    #[must_use]
    pub fn tables(&self) -> usize {
        self.strongest.len()
    }

    #[must_use]
    pub fn locked(&self, table: &TableName) -> bool {
        self.strongest.contains_key(table)
    }

    /// `lock_timeout` as it was set; `None` where nobody did.
    #[must_use]
    pub fn lock_timeout(&self) -> Option<&str> {
        self.local_timeout.as_deref().or(self.timeout.as_deref())
    }

    #[must_use]
    pub fn has_told(&self, hazard: &'static str, what: &str) -> bool {
        self.told.contains(&(hazard, self.file, what.to_owned()))
    }

    /// Whether this is the first time in this file that a hazard says this.
    pub fn first(&mut self, hazard: &'static str, what: &str) -> bool {
        self.told.insert((hazard, self.file, what.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_by_later_statements_of_the_transaction_and_free_in_the_next() {
        use crate::review::cost::Work;
        let users = TableName::new("public", "users");
        let mut session = Session::default();
        let at = |statement| At { file: 0, statement, action: 0 };
        let cost = Cost { table: users.clone(), lock: Lock::AccessExclusive, work: Work::Catalog };
        session.note(&Action::Comment, [cost].iter(), at(0), 1, true);
        assert!(session.held(at(0)).is_empty());
        assert_eq!(session.held(at(1))[0].table, users);
        assert!(session.locked(&users));
    }
}
