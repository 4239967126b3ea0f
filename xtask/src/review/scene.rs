//! The reviewed files, read: every action with its place, in which transaction it runs, and what comes before and after it on a table.
//!
//! Looking back and ahead goes by table, so that a file of ten thousand statements costs no more than ten thousand times one.

use std::collections::HashMap;
use std::ops::Range;

use super::advisory;
use super::set::{Set, Transaction};
use crate::sql::TableName;
use crate::sql::action::{Action, Control};
use crate::sql::guard::{self, Guarded, Remarks};
use crate::sql::statements::Parsed;

/// One action's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    pub file: usize,
    pub statement: usize,
    pub action: usize,
}

pub struct Scene {
    pub files: Vec<File>,
    by_table: HashMap<TableName, Vec<At>>,
}

pub struct File {
    pub parsed: Result<Parsed, String>,
    /// Of squawk-linter's rules.
    pub remarks: Remarks,
    /// Who opens the transactions.
    pub transaction: Transaction,
    /// For each statement the transaction that it runs in.
    pub transactions: Vec<Span>,
}

/// A transaction, and whether anything else can be in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub number: usize,
    /// A block, so that what refuses one fails, and locks outlive the statement.
    pub block: bool,
}

impl Scene {
    #[must_use]
    pub fn read(set: &Set) -> Scene {
        let mut scene = Scene { files: Vec::new(), by_table: HashMap::new() };
        let mut number = 0;
        let mut open = false;
        for source in &set.files {
            let (guarded, remarks) = guard::remarked(&source.text, advisory::rules());
            let parsed = match guarded {
                Guarded::Parsed(parsed) => Ok(parsed),
                Guarded::NotParsed { why } => Err(why),
            };
            if source.transaction != Transaction::Set || scene.files.is_empty() {
                number += 1;
                open = source.transaction != Transaction::Own;
            }
            let mut transactions = Vec::new();
            for statement in parsed.iter().flat_map(|parsed| &parsed.statements) {
                let control = statement.actions.iter().find_map(|action| match action {
                    Action::Transaction(control) => Some(*control),
                    _ => None,
                });
                if !open {
                    number += 1;
                }
                match control {
                    Some(Control::Begin) => open = true,
                    Some(Control::Commit | Control::Rollback) => {
                        transactions.push(Span { number, block: true });
                        open = source.transaction == Transaction::Message;
                        number += usize::from(open);
                        continue;
                    }
                    _ => {}
                }
                transactions.push(Span { number, block: open });
            }
            let file = scene.files.len();
            for (place, statement) in parsed.iter().flat_map(|parsed| &parsed.statements).enumerate() {
                for (action, found) in statement.actions.iter().enumerate() {
                    for table in found.tables() {
                        let at = At { file, statement: place, action };
                        scene.by_table.entry(table.clone()).or_default().push(at);
                    }
                }
            }
            scene.files.push(File { parsed, remarks, transaction: source.transaction, transactions });
        }
        scene
    }

    #[must_use]
    pub fn action(&self, at: At) -> Option<&Action> {
        self.files.get(at.file)?.parsed.as_ref().ok()?.statements.get(at.statement)?.actions.get(at.action)
    }

    /// The line of its statement.
    #[must_use]
    pub fn line(&self, at: At) -> usize {
        let parsed = self.files.get(at.file).and_then(|file| file.parsed.as_ref().ok());
        parsed.and_then(|parsed| parsed.statements.get(at.statement)).map_or(0, |statement| statement.line)
    }

    /// The text of its statement.
    #[must_use]
    pub fn text(&self, at: At) -> Option<&str> {
        let parsed = self.files.get(at.file)?.parsed.as_ref().ok()?;
        parsed.statements.get(at.statement).map(|statement| statement.text.as_str())
    }

    /// All actions with their places.
    pub fn all(&self) -> impl Iterator<Item = (At, &Action)> {
        self.files.iter().enumerate().flat_map(|(file, read)| {
            let statements = read.parsed.iter().flat_map(|parsed| &parsed.statements).enumerate();
            statements.flat_map(move |(place, statement)| {
                let actions = statement.actions.iter().enumerate();
                actions.map(move |(action, found)| (At { file, statement: place, action }, found))
            })
        })
    }

    #[must_use]
    pub fn span(&self, at: At) -> Span {
        let found = self.files.get(at.file).and_then(|file| file.transactions.get(at.statement));
        found.copied().unwrap_or(Span { number: 0, block: true })
    }

    #[must_use]
    pub fn same_transaction(&self, one: At, other: At) -> bool {
        let (one, other) = (self.span(one), self.span(other));
        one.number == other.number && one.block
    }

    /// Actions on a table after this one, nearest first.
    pub fn later<'s>(&'s self, table: &TableName, at: At) -> impl Iterator<Item = (At, &'s Action)> {
        let (_, later) = self.around(table, at);
        self.on(table, later)
    }

    /// Actions on a table before this one, in order.
    pub fn earlier<'s>(&'s self, table: &TableName, at: At) -> impl Iterator<Item = (At, &'s Action)> {
        let (earlier, _) = self.around(table, at);
        self.on(table, earlier)
    }

    fn around(&self, table: &TableName, at: At) -> (Range<usize>, Range<usize>) {
        let all = self.by_table.get(table).map_or(&[][..], Vec::as_slice);
        (0..all.partition_point(|place| *place < at), all.partition_point(|place| *place <= at)..all.len())
    }

    fn on<'s>(&'s self, table: &TableName, places: Range<usize>) -> impl Iterator<Item = (At, &'s Action)> + use<'s> {
        let all = self.by_table.get(table).map_or(&[][..], Vec::as_slice);
        all[places].iter().filter_map(|at| Some((*at, self.action(*at)?)))
    }
}
