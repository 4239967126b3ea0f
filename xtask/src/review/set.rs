//! What is reviewed together: files in the order in which they run, and what was there before them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::finding::{Finding, Severity};
use crate::drizzle::Snapshot;

/// How the program that runs a file groups its statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transaction {
    /// drizzle-orm: all pending files in one.
    Set,
    /// One for each file, opened by the program that runs it.
    File,
    /// One that the server makes of each file, which is sent as one message: a BEGIN takes it over, a COMMIT ends it, and what is left
    /// of the message is the next one (PostgreSQL docs, 55.2.2.1).
    Message,
    /// None but those that the file itself opens, as `psql -f`.
    Own,
}

/// One file.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it is shown.
    pub path: PathBuf,
    pub text: String,
    pub transaction: Transaction,
}

/// What the tables were before the first reviewed file, where that is known.
#[derive(Clone, Debug, Default)]
pub enum Before {
    #[default]
    Unknown,
    /// Drizzle's snapshot of the migration before.
    Snapshot(Box<Snapshot>),
    /// The files that ran before, in order.
    Files(Vec<String>),
}

#[derive(Clone, Debug, Default)]
pub struct Set {
    pub files: Vec<Source>,
    pub before: Before,
    /// Whether all files are known to be pending, and so run one right after the other: what one creates is empty for the next.
    pub pending: bool,
    /// The server's major version, where no database is asked.
    pub major: Option<u32>,
    /// How many rows tables have where the database that knows is not asked, by `table` or `schema.table`.
    pub rows: BTreeMap<String, i64>,
}

/// The result.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order of files and lines.
    pub findings: Vec<Finding>,
    /// Statements in each file.
    pub statements: Vec<usize>,
    /// The database that was asked, without its password.
    pub asked: Option<String>,
    /// Time spent waiting for the database's answers.
    pub asking: std::time::Duration,
}

impl Report {
    /// Those that nobody accepted.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.accepted.is_none())
    }

    #[must_use]
    pub fn has_open_errors(&self) -> bool {
        self.open().any(|finding| finding.severity == Severity::Error)
    }
}
