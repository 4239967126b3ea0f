//! The database's own word on a migration that failed: drizzle-kit 0.31.10 and 0.31.11 print none.
//!
//! Invariant: nothing stays. The statements run again in a transaction that is rolled back, and a file that could end that
//! transaction is not run at all. No row value leaves here: DETAIL is dropped, messages that quote data are cut.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use postgres::Client;
use postgres::error::{DbError, ErrorPosition};

use super::history::History;
use super::journal::Entry;
use crate::failure::Failure;
use crate::pg::error::Told;
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
    pub table: Option<String>,
    pub column: Option<String>,
    pub constraint: Option<String>,
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
/// transaction of its own.
pub fn explain(client: &mut Client, history: &History, pending: &[&Entry]) -> Result<Verdict> {
    let mut files = Vec::new();
    for entry in pending {
        let path = history.sql_path(entry);
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(Verdict::NotJudged(format!("`{}` cannot be read", path.display())));
        };
        let parsed = statements::parse(&text);
        if parsed.statements.iter().any(|statement| statement.actions.contains(&Action::Transaction)) {
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
        for (start, chunk) in chunks(text) {
            let Err(error) = client.batch_execute(chunk) else { continue };
            verdict = match error.as_db_error() {
                Some(error) => Verdict::Fails(Box::new(located(entry, path, text, start, chunk, error))),
                // The server rolls back by itself.
                None => return Ok(Verdict::NotJudged("the connection was lost".to_owned())),
            };
            break 'files;
        }
    }
    client.batch_execute("ROLLBACK").told("rolling back")?;
    Ok(verdict)
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
    let first = start + (chunk.len() - chunk.trim_start().len());
    let (line, column) = statements::position(text, pointed.unwrap_or(first));
    MigrationError {
        tag: entry.tag.clone(),
        sqlstate: error.code().code().to_owned(),
        message: without_values(error.code().code(), error.message()),
        file: path.to_owned(),
        line,
        caret: pointed.map(|_| column),
        statement: chunk.trim().to_owned(),
        table: error.table().map(str::to_owned),
        column: error.column().map(str::to_owned),
        constraint: error.constraint().map(str::to_owned),
    }
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
        let mut failure =
            Failure::step(format!("migration `{}` fails with SQLSTATE {}: {}", self.tag, self.sqlstate, self.message))
                .detail(match self.caret {
                    Some(column) => format!("{shown}:{}:{column}", self.line),
                    None => format!("{shown}:{}", self.line),
                })
                .detail(shortened(&self.statement));
        let named = [("table", &self.table), ("column", &self.column), ("constraint", &self.constraint)];
        for (what, name) in named {
            if let Some(name) = name {
                failure = failure.detail(format!("{what}: {name}"));
            }
        }
        failure
    }
}

/// The first lines of a statement.
fn shortened(statement: &str) -> String {
    let lines: Vec<&str> = statement.lines().collect();
    let mut text = lines.iter().take(4).copied().collect::<Vec<_>>().join("\n");
    if lines.len() > 4 {
        text.push_str("\n…");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_messages_are_cut() {
        assert_eq!(
            without_values("22P02", "invalid input syntax for type integer: \"a\"b\""),
            "invalid input syntax for type integer: \"…\""
        );
        assert_eq!(
            without_values("23505", "could not create unique index \"u\""),
            "could not create unique index \"u\""
        );
        assert!(!without_values("P0001", "user anna@x.de").contains("anna"));
    }

    #[test]
    fn chunks_keep_their_place_in_the_file() {
        let text = "SELECT 1;--> statement-breakpoint\nSELECT 2;\n--> statement-breakpoint\n";
        let found = chunks(text);
        assert_eq!(found.len(), 2);
        assert_eq!(&text[found[1].0..found[1].0 + found[1].1.len()], "\nSELECT 2;\n");
    }
}
