//! A finding of the review: one sentence about one statement, with what decided it.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

/// What a verdict stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
pub enum DecidedBy {
    /// The statement alone.
    Static,
    /// A count on the database that was asked.
    Live(String),
    /// Nothing: why not.
    NotJudged(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// `H10` …, or `syntax`.
    pub id: String,
    /// `data_loss`, `breaks_code`, `may_fail`, `lock`, `not_judged`, `syntax`.
    pub class: String,
    pub severity: Severity,
    pub title: String,
    pub line: usize,
    pub column: usize,
    pub statement: String,
    /// The table lock that the statement takes.
    pub lock: Option<String>,
    /// What that lock keeps waiting.
    pub blocks: Option<String>,
    pub decided_by: DecidedBy,
    pub remedy: String,
}
