//! The database's own word on a migration that failed: drizzle-kit 0.31.10 and 0.31.11 print none.
//!
//! Invariant: nothing stays. The statements run again in a transaction that is rolled back, and a file that could end that
//! transaction is not run at all. No row value leaves here: DETAIL is dropped, messages that quote data are cut, and the rows
//! at fault are counted in the state right before the statement.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use postgres::Client;
use postgres::error::{DbError, ErrorPosition};

use super::history::History;
use super::journal::Entry;
use crate::failure::Failure;
use crate::pg::at_fault::{self, AtFault};
use crate::pg::error::Told;
use crate::pg::sessions;
use crate::sql::TableName;
use crate::sql::names::quote;
use crate::sql::statements::{self, Action};

/// Where and why a migration fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationError {
    pub tag: String,
    pub sqlstate: String,
    pub message: String,
    pub file: PathBuf,
    /// Line of the failing statement, or of the place in it that PostgreSQL points at; from 1.
    pub line: usize,
    /// Column on that line, where PostgreSQL points at a place; from 1.
    pub caret: Option<usize>,
    /// The statement as the file has it.
    pub statement: String,
    /// The line that it begins on, and how many columns stand before it there.
    first: usize,
    indent: usize,
    pub table: Option<String>,
    pub column: Option<String>,
    pub constraint: Option<String>,
    /// All statements succeeded; what is checked at COMMIT did not.
    pub at_commit: bool,
    pub at_fault: Option<AtFault>,
    /// Where a lock was not to be had: who holds it.
    pub holders: Vec<String>,
}

/// What running the pending statements once more came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fails(Box<MigrationError>),
    /// All of them succeed on this connection: what failed is not the SQL.
    Succeeds,
    /// They were not run, and why.
    NotJudged(String),
}

const SEPARATOR: &str = "--> statement-breakpoint";

/// Runs the pending migrations as drizzle-orm does (split at the breakpoints, one transaction) and rolls back. `client` must not be inside a
/// transaction of its own; `copy`: it is on a throw-away database, where values may be tried one by one.
pub fn explain(client: &mut Client, history: &History, pending: &[&Entry], copy: bool) -> Result<Verdict> {
    let mut files = Vec::new();
    for entry in pending {
        let path = history.sql_path(entry);
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(Verdict::NotJudged(format!("`{}` cannot be read", path.display())));
        };
        let parsed = statements::parse(&text);
        if parsed
            .statements
            .iter()
            .any(|statement| statement.actions.iter().any(|action| matches!(action, Action::Transaction(_))))
        {
            return Ok(Verdict::NotJudged(format!("`{}` holds transaction control", entry.tag)));
        }
        // Where our parser fails the server's error is what we are here for, but a COMMIT may hide in the rest.
        if !parsed.errors.is_empty() && may_end_transaction(&text) {
            return Ok(Verdict::NotJudged(format!("`{}` cannot be read, and may hold transaction control", entry.tag)));
        }
        files.push((*entry, path, text));
    }
    client.batch_execute("BEGIN; SET LOCAL lock_timeout = '5s'").told("opening a transaction")?;
    let mut verdict = Verdict::Succeeds;
    'files: for (entry, path, text) in &files {
        for (start, statement) in chunks(text).into_iter().flat_map(|(start, chunk)| single(start, chunk)) {
            client.batch_execute("SAVEPOINT before").told("running a statement once more")?;
            let Err(error) = client.batch_execute(statement) else {
                client.batch_execute("RELEASE SAVEPOINT before").told("running a statement once more")?;
                continue;
            };
            let Some(error) = error.as_db_error() else {
                // The server rolls back by itself.
                return Ok(Verdict::NotJudged("the connection was lost".to_owned()));
            };
            let mut found = located(entry, path, text, start, statement, error);
            client.batch_execute("ROLLBACK TO SAVEPOINT before").told("going back before the statement")?;
            if found.sqlstate == LOCK {
                found.holders = holders(client, statement);
            } else {
                found.at_fault = at_fault::find(client, statement, error, copy);
            }
            verdict = Verdict::Fails(Box::new(found));
            break 'files;
        }
    }
    if verdict == Verdict::Succeeds
        && let Some((entry, path, text)) = files.last()
    {
        client.batch_execute("SAVEPOINT before").told("looking at what is checked at COMMIT")?;
        if let Err(error) = client.batch_execute(COMMIT) {
            let Some(error) = error.as_db_error() else {
                return Ok(Verdict::NotJudged("the connection was lost".to_owned()));
            };
            let mut found = located(entry, path, text, text.trim_end().len(), "", error);
            found.at_commit = true;
            client.batch_execute("ROLLBACK TO SAVEPOINT before").told("going back before COMMIT")?;
            found.at_fault = at_fault::find(client, "", error, copy);
            verdict = Verdict::Fails(Box::new(found));
        }
    }
    client.batch_execute("ROLLBACK").told("rolling back")?;
    Ok(verdict)
}

/// What COMMIT checks, without its end (PostgreSQL docs, SET CONSTRAINTS).
const COMMIT: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// `lock_not_available`
const LOCK: &str = "55P03";

/// Who holds what this statement waits for, as far as they can still be seen.
fn holders(client: &mut Client, statement: &str) -> Vec<String> {
    let mut tables: Vec<TableName> = statements::parse(statement)
        .statements
        .iter()
        .flat_map(|statement| &statement.actions)
        .flat_map(Action::tables)
        .cloned()
        .collect();
    tables.dedup();
    let asked = tables.iter().filter_map(|table| sessions::holding(client, table).ok());
    asked.flatten().collect()
}

/// The statements of a chunk, each with its offset in the file; the chunk itself where it cannot be split.
fn single(start: usize, chunk: &str) -> Vec<(usize, &str)> {
    let parsed = statements::parse(chunk);
    let mut found = Vec::new();
    let mut at = 0;
    for statement in &parsed.statements {
        let Some(offset) = chunk[at..].find(&statement.text) else { return vec![(start, chunk)] };
        let from = at + offset;
        at = from + statement.text.len();
        found.push((start + from, &chunk[from..at]));
    }
    if parsed.errors.is_empty() && found.len() > 1 { found } else { vec![(start, chunk)] }
}

fn may_end_transaction(text: &str) -> bool {
    let upper = text.to_uppercase();
    ["COMMIT", "ROLLBACK", "END", "ABORT", "PREPARE TRANSACTION"].iter().any(|word| upper.contains(word))
}

/// The statements as drizzle-orm sends them, each with its offset in the file.
fn chunks(text: &str) -> Vec<(usize, &str)> {
    let mut at = 0;
    text.split(SEPARATOR)
        .map(|chunk| {
            let start = at;
            at += chunk.len() + SEPARATOR.len();
            (start, chunk)
        })
        .filter(|(_, chunk)| !chunk.trim().is_empty())
        .collect()
}

fn located(entry: &Entry, path: &Path, text: &str, start: usize, chunk: &str, error: &DbError) -> MigrationError {
    let pointed = match error.position() {
        // PostgreSQL counts characters from 1.
        Some(ErrorPosition::Original(position)) => {
            let position = usize::try_from(*position).unwrap_or(1).saturating_sub(1);
            chunk.char_indices().nth(position).map(|(offset, _)| start + offset)
        }
        _ => None,
    };
    let pointed = pointed.or_else(|| Some(start + column_in(chunk)?));
    let first = start + (chunk.len() - chunk.trim_start().len());
    let (line, column) = statements::position(text, pointed.unwrap_or(first));
    let (first, begin) = statements::position(text, first);
    MigrationError {
        tag: entry.tag.clone(),
        sqlstate: error.code().code().to_owned(),
        message: without_values(error.code().code(), error.message()),
        file: path.to_owned(),
        line,
        caret: pointed.map(|_| column),
        statement: chunk.trim().to_owned(),
        first,
        indent: begin - 1,
        table: error.table().map(str::to_owned),
        column: error.column().map(str::to_owned),
        constraint: error.constraint().map(str::to_owned),
        at_commit: false,
        at_fault: None,
        holders: Vec::new(),
    }
}

/// Where a statement about one column names it, for errors that PostgreSQL gives no place.
fn column_in(statement: &str) -> Option<usize> {
    let parsed = statements::parse(statement);
    let column = parsed.statements.first()?.actions.iter().find_map(|action| match action {
        Action::AddColumn(added) => Some(&added.column),
        Action::SetNotNull { column, .. } | Action::ChangeType { column, .. } => Some(column),
        _ => None,
    })?;
    statement.find(&format!(" {}", quote(column))).map(|at| at + 1)
}

/// Messages of class 22 quote the offending value, and RAISE may say anything (PostgreSQL docs, appendix A).
#[must_use]
pub fn without_values(sqlstate: &str, message: &str) -> String {
    if sqlstate.starts_with("P0") {
        return "the migration's own code raised an error (its text may hold values)".to_owned();
    }
    let data = sqlstate.starts_with("22");
    match (message.find('"'), message.rfind('"')) {
        (Some(first), Some(last)) if data && first < last => {
            format!("{}\"…\"{}", &message[..first], &message[last + 1..])
        }
        _ => message.to_owned(),
    }
}

impl MigrationError {
    /// The failure that a person reads; `shown` is the file's path as they would type it.
    #[must_use]
    pub fn failure(&self, shown: &str) -> Failure {
        let what = if self.at_commit { "fails at COMMIT" } else { "fails" };
        let place = match self.caret {
            Some(column) => format!("{shown}:{}:{column}", self.line),
            None => format!("{shown}:{}", self.line),
        };
        let mut failure =
            Failure::step(format!("migration `{}` {what} with SQLSTATE {}: {}", self.tag, self.sqlstate, self.message))
                .detail(place)
                .detail(self.excerpt());
        let named = [("table", &self.table), ("column", &self.column), ("constraint", &self.constraint)];
        for (what, name) in named {
            if let Some(name) = name {
                failure = failure.detail(format!("{what}: {name}"));
            }
        }
        if let Some(found) = &self.at_fault {
            failure = failure.detail(found.to_string());
        }
        if self.sqlstate == LOCK {
            let gone = || failure.clone().detail("nobody holds the lock any more");
            failure = if self.holders.is_empty() { gone() } else { self.holders.iter().fold(failure, Failure::detail) };
            failure = failure.hint("run the same command again when that session has ended");
        }
        failure
    }

    /// A few lines of the statement with their numbers, and a mark below the place.
    fn excerpt(&self) -> String {
        let pointed = self.line - self.first;
        let from = pointed.saturating_sub(2);
        let width = (self.first + pointed + 2).to_string().len();
        let mut out = String::new();
        let lines: Vec<&str> = self.statement.lines().collect();
        for (index, line) in lines.iter().enumerate().skip(from).take(4) {
            out.push_str(&format!("{:>width$} | {line}\n", self.first + index));
            if let Some(column) = self.caret.filter(|_| index == pointed) {
                // The statement's first line begins where the file's line has it.
                let column = if index == 0 { column.saturating_sub(self.indent) } else { column };
                out.push_str(&format!("{:>width$} | {}^\n", "", " ".repeat(column.saturating_sub(1))));
            }
        }
        if lines.len() > from + 4 {
            out.push('…');
        }
        out
    }
}

#[cfg(test)]
#[path = "recover_tests.rs"]
mod tests;
