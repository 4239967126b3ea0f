//! A hazard as it is declared: what it is called, what harm it does, what decides it, the safe way, and the function that finds it.
//!
//! Adding one: a file in `hazards/` with a `HAZARD` and a test that it fires and one that it does not, and its line in the list there.

use std::borrow::Cow;

use super::cost::Cost;
use super::facts::Facts;
use super::finding::{Class, DecidedBy, Finding, Severity};
use super::lock::Lock;
use super::scene::{At, Scene};
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::statements::Statement;

pub struct Hazard {
    pub id: &'static str,
    pub title: &'static str,
    pub class: Class,
    /// What happens, under which lock, in which versions.
    pub danger: &'static str,
    /// The question to the data that decides it; where there is none, the statement does.
    pub decided: Option<&'static str>,
    /// The safe way, in general.
    pub safe: &'static str,
    /// What other programs call it.
    pub aka: &'static [(&'static str, &'static [&'static str])],
    /// Looks at one action where it stands.
    pub judge: fn(&mut Site<'_, '_>),
}

/// One action, with all that is known there.
pub struct Site<'s, 'a> {
    pub scene: &'s Scene,
    pub at: At,
    pub statement: &'s Statement,
    pub action: &'s Action,
    /// What it takes.
    pub costs: &'s [Cost],
    pub facts: &'s mut Facts<'a>,
    pub hazard: &'static Hazard,
    pub found: &'s mut Vec<Finding>,
}

/// The parts of a finding that differ from one to the next.
pub struct Draft {
    severity: Severity,
    title: String,
    table: Option<TableName>,
    lock: Option<Lock>,
    rewrites: bool,
    scans: bool,
    decided_by: DecidedBy,
    remedy: Cow<'static, str>,
    sql: Vec<String>,
}

impl Draft {
    #[must_use]
    pub fn new(severity: Severity, title: impl Into<String>) -> Draft {
        Draft {
            severity,
            title: title.into(),
            table: None,
            lock: None,
            rewrites: false,
            scans: false,
            decided_by: DecidedBy::Static(String::new()),
            remedy: Cow::Borrowed(""),
            sql: Vec::new(),
        }
    }

    #[must_use]
    pub fn lock(mut self, table: &TableName, lock: Lock) -> Draft {
        self.table = Some(table.clone());
        self.lock = Some(lock);
        self
    }

    #[must_use]
    pub fn on(mut self, table: &TableName) -> Draft {
        self.table = Some(table.clone());
        self
    }

    #[must_use]
    pub fn rewrites(mut self, rewrites: bool) -> Draft {
        self.rewrites = rewrites;
        self
    }

    #[must_use]
    pub fn scans(mut self, scans: bool) -> Draft {
        self.scans = scans;
        self
    }

    #[must_use]
    pub fn by(mut self, decided_by: DecidedBy) -> Draft {
        self.decided_by = decided_by;
        self
    }

    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<Cow<'static, str>>) -> Draft {
        self.remedy = remedy.into();
        self
    }

    #[must_use]
    pub fn sql<S: Into<String>>(mut self, sql: impl IntoIterator<Item = S>) -> Draft {
        self.sql.extend(sql.into_iter().map(Into::into));
        self
    }
}

impl Site<'_, '_> {
    pub fn find(&mut self, draft: Draft) {
        let statement = self.facts.session.text(self.at, &self.statement.text);
        self.found.push(Finding {
            id: self.hazard.id,
            class: self.hazard.class,
            severity: draft.severity,
            title: draft.title,
            file: self.at.file,
            line: self.statement.line,
            column: self.statement.column,
            span: self.statement.start..self.statement.end,
            statement,
            table: draft.table,
            lock: draft.lock,
            rewrites: draft.rewrites,
            scans: draft.scans,
            decided_by: draft.decided_by,
            remedy: draft.remedy,
            sql: draft.sql,
            rule: None,
            accepted: None,
        });
    }

    /// Whether this action's transaction is a block: locks last, and what refuses one fails.
    #[must_use]
    pub fn in_block(&self) -> bool {
        self.scene.span(self.at).block
    }
}
