//! What a statement is worth that both makes others wait and may fail on the rows: the worse of the two, and who says so.

use super::catalog::Table;
use super::facts::Verdict;
use super::finding::{DecidedBy, Severity};
use super::hazard::Site;
use super::scene::At;
use crate::sql::TableName;
use crate::sql::action::{Action, CreateIndex};

impl Verdict {
    /// The higher of what the rows say and what waiting is worth.
    #[must_use]
    pub(super) fn with(self, weight: (Severity, DecidedBy)) -> (Severity, DecidedBy) {
        let severity = self.severity(Severity::Note).max(weight.0);
        match self {
            Verdict::Clear(DecidedBy::Static(_)) => (severity, weight.1),
            Verdict::Clear(DecidedBy::Live(rows)) if severity > Severity::Note => match weight.1 {
                DecidedBy::Static(size) => (severity, DecidedBy::Live(format!("{rows}; {size}"))),
                _ => (severity, DecidedBy::Live(rows)),
            },
            verdict => (severity, verdict.decided()),
        }
    }

    /// The worse of two answers.
    #[must_use]
    pub(super) fn or_worse(self, other: impl FnOnce() -> Verdict) -> Verdict {
        match self {
            Verdict::Harmful(..) => self,
            Verdict::Open(_) => match other() {
                harmful @ Verdict::Harmful(..) => harmful,
                _ => self,
            },
            Verdict::Clear(_) => match other() {
                Verdict::Clear(DecidedBy::Static(_)) => self,
                worse => worse,
            },
        }
    }

    /// No row can be in the way, by the statements alone.
    #[must_use]
    pub(super) fn none(why: &str) -> Verdict {
        Verdict::Clear(DecidedBy::Static(why.to_owned()))
    }
}

/// How many rows or values, for a title: `12 `, or nothing where nobody counted.
#[must_use]
pub(super) fn counted(verdict: &Verdict) -> Option<i64> {
    match verdict {
        Verdict::Harmful(count, _) => Some(*count),
        _ => None,
    }
}

/// An index that can stand behind a constraint of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Behind {
    Fits(Vec<String>),
    /// PostgreSQL refuses it: why.
    Refused(String),
    Unknown,
}

#[must_use]
pub(super) fn behind(table: Option<&Table>, index: &str) -> Behind {
    let Some(table) = table else { return Behind::Unknown };
    match table.indexes.get(index) {
        Some(found) if !found.unique => Behind::Refused(format!("index {index} is not unique")),
        Some(found) if !found.valid => Behind::Refused(format!("index {index} is not valid: its build failed")),
        Some(found) if found.filter.is_some() => Behind::Refused(format!("index {index} covers a part of the rows")),
        Some(found) if found.expressions => {
            Behind::Refused(format!("index {index} has parts that are no plain columns"))
        }
        Some(found) => Behind::Fits(found.columns.clone()),
        None if table.known => Behind::Refused(format!("there is no index {index}")),
        None => Behind::Unknown,
    }
}

fn same_set(one: &[String], other: &[String]) -> bool {
    one.len() == other.len() && one.iter().all(|column| other.contains(column))
}

impl Table {
    /// Whether a unique index, other than the one named, covers exactly these columns for each row.
    #[must_use]
    pub(super) fn unique_over(&self, columns: &[String], other_than: &str) -> bool {
        let Some(first) = columns.first() else { return false };
        self.indexes.of(first).any(|(name, index)| {
            let whole = index.unique && index.valid && index.filter.is_none() && !index.expressions;
            name != other_than && whole && same_set(&index.columns, columns)
        })
    }

    /// Whether rows are found by these columns without reading all.
    #[must_use]
    pub(super) fn index_led_by(&self, columns: &[String]) -> bool {
        let Some(first) = columns.first() else { return false };
        self.indexes.of(first).any(|(_, index)| {
            let first = index.columns.get(..columns.len());
            index.valid && index.filter.is_none() && first.is_some_and(|first| same_set(first, columns))
        })
    }
}

impl Site<'_, '_> {
    /// Whether a later statement of the reviewed files makes an index that begins with the columns.
    pub(super) fn indexes_later(&self, table: &TableName, columns: &[String]) -> bool {
        let Some(first) = columns.first() else { return false };
        self.scene.later_of(table, first, self.at).any(|(_, action)| {
            let led = |index: &[String]| index.get(..columns.len()).is_some_and(|first| same_set(first, columns));
            match action {
                Action::CreateIndex(CreateIndex { columns: index, filter: None, .. }) => led(index),
                Action::AddUnique { columns: index, .. } | Action::AddConstraint { columns: index, .. } => led(index),
                _ => false,
            }
        })
    }

    /// Whether a later statement of the same transaction brings back uniqueness over the columns.
    pub(super) fn unique_again(&mut self, table: &TableName, columns: &[String]) -> bool {
        let facts = self.facts.table(table);
        let at = self.at;
        self.scene.later(table, at).take_while(|(later, _)| self.joined(at, *later)).any(|(_, action)| match action {
            Action::CreateIndex(index) => {
                index.unique
                    && index.filter.is_none()
                    && index.expressions.is_empty()
                    && same_set(&index.columns, columns)
            }
            Action::AddUnique { columns: added, using_index, .. }
            | Action::AddConstraint {
                columns: added,
                using_index,
                kind: crate::sql::action::ConstraintKind::PrimaryKey,
                ..
            } => {
                let behind = using_index.as_deref().map(|index| behind(facts.as_deref(), index));
                same_set(added, columns) || matches!(behind, Some(Behind::Fits(of)) if same_set(&of, columns))
            }
            _ => false,
        })
    }

    /// Whether two places are one transaction; one statement always is.
    pub(super) fn joined(&self, one: At, other: At) -> bool {
        (one.file, one.statement) == (other.file, other.statement) || self.scene.same_transaction(one, other)
    }
}

/// The constraint's name, or the one that PostgreSQL gives it.
#[must_use]
pub(super) fn called(name: Option<&String>, table: &TableName, columns: &[String], suffix: &str) -> String {
    name.cloned().unwrap_or_else(|| {
        let mut parts = vec![table.name.clone()];
        parts.extend(columns.iter().cloned());
        parts.push(suffix.to_owned());
        parts.join("_")
    })
}

/// What lies between two steps that must not share a transaction.
pub(super) const LATER: &str = "-- a later migration, deployed separately:";
