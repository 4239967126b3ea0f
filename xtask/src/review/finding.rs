//! A finding of the review: one sentence about one statement, with what decided it and the safe way.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lock::Lock;
use crate::sql::TableName;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

/// What kind of harm it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    DataLoss,
    BreaksCode,
    MayFail,
    Lock,
    Access,
    Advisory,
    /// Nobody could tell.
    NotJudged,
    Syntax,
    /// What the file does beyond what was declared.
    Intent,
    /// About a suppression, and no statement.
    Suppression,
}

/// What a verdict stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
pub enum DecidedBy {
    /// The statements themselves, and the schema that the migrations before them made.
    Static(String),
    /// A question to the database, with its number and time.
    Live(String),
    /// The statement, run on a copy.
    Trial(String),
    /// Nothing: why not, and what to run by hand.
    NotJudged(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// `H10` … of the catalogue; `syntax`, `undeclared`, `suppression`.
    pub id: &'static str,
    pub class: Class,
    pub severity: Severity,
    pub title: String,
    /// Which of the reviewed files.
    pub file: usize,
    pub line: usize,
    pub column: usize,
    /// The statement's bytes in the file.
    pub span: Range<usize>,
    /// Shared by all findings about it.
    pub statement: Arc<str>,
    pub table: Option<TableName>,
    /// The strongest table lock that the statement takes for this.
    pub lock: Option<Lock>,
    /// Whether it writes the table anew.
    pub rewrites: bool,
    /// Whether it reads the whole table.
    pub scans: bool,
    pub decided_by: DecidedBy,
    /// What to do, in words.
    pub remedy: Cow<'static, str>,
    /// The safe way as SQL for these very names; empty where there is none.
    pub sql: Vec<String>,
    /// A rule of another program that says more here: `prefer-bigint-over-int`.
    pub rule: Option<String>,
    pub accepted: Option<Accepted>,
}

/// Somebody wrote down why a finding is all right here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    pub reason: String,
    /// Where it is written: `0007_x.sql:1`, `workflows/db-change.toml:80`, a baseline's path.
    pub place: String,
    pub until: Option<String>,
}

impl Finding {
    /// What findings are listed by: file, line, column.
    #[must_use]
    pub fn place(&self) -> (usize, usize, usize) {
        (self.file, self.line, self.column)
    }

    /// Mostly they are in their order; sorting ten thousand takes half their memory again.
    pub fn sort(findings: &mut [Finding]) {
        if !findings.is_sorted_by_key(Finding::place) {
            findings.sort_by_key(Finding::place);
        }
    }
}

impl Severity {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl Class {
    /// As JSON has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Class::DataLoss => "data_loss",
            Class::BreaksCode => "breaks_code",
            Class::MayFail => "may_fail",
            Class::Lock => "lock",
            Class::Access => "access",
            Class::Advisory => "advisory",
            Class::NotJudged => "not_judged",
            Class::Syntax => "syntax",
            Class::Intent => "intent",
            Class::Suppression => "suppression",
        }
    }
}

impl DecidedBy {
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            DecidedBy::Static(_) => "static",
            DecidedBy::Live(_) => "live",
            DecidedBy::Trial(_) => "trial",
            DecidedBy::NotJudged(_) => "not_judged",
        }
    }

    #[must_use]
    pub fn detail(&self) -> &str {
        let (DecidedBy::Static(detail)
        | DecidedBy::Live(detail)
        | DecidedBy::Trial(detail)
        | DecidedBy::NotJudged(detail)) = self;
        detail
    }
}

/// `live production (0 orphans of 1,204,112 rows, 84 ms)`, `static`, `not judged: no database was asked`
impl fmt::Display for DecidedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecidedBy::Static(detail) if detail.is_empty() => f.write_str("static"),
            DecidedBy::Static(detail) => write!(f, "static: {detail}"),
            DecidedBy::Live(detail) => write!(f, "live {detail}"),
            DecidedBy::Trial(detail) => write!(f, "trial: {detail}"),
            DecidedBy::NotJudged(detail) => write!(f, "not judged: {detail}"),
        }
    }
}
