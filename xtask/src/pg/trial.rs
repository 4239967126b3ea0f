//! A migration tried once, in one transaction that is rolled back, on a copy: what each statement locked, rewrote, read and wrote.
//!
//! Invariant: what the session may not see is said to be not known, never zero. A statement that is refused ends the trial and is
//! its last record; what could end the transaction is not run. PostgreSQL counts temporary files where a transaction cannot see
//! it before its end, but it tells of each one as it removes it, where asked to, and the session that it serves may listen.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use anyhow::Result;
use postgres::error::{DbError, SqlState};
use postgres::{Client, Transaction};

use super::error::{Told, without_values};
use super::lock_mode::Mode;
use super::watch::{Lock, Seen, Standing, Watch, shown};
use crate::sql::TableName;
use crate::sql::statements::{self, Action};

/// What came of it; the records are those of the first statements, in order.
#[derive(Clone, Debug)]
pub struct Trial {
    pub statements: Vec<Tried>,
    /// Why no event trigger could say the reasons of rewrites.
    pub event_trigger: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tried {
    /// In its file.
    pub line: usize,
    /// Its beginning on one line, texts in it replaced by `'…'`.
    pub statement: String,
    pub milliseconds: f64,
    /// What no earlier statement held.
    pub locks: Vec<Lock>,
    /// What others wait for on tables that are not this statement's, because earlier ones locked them.
    pub held: Vec<Lock>,
    pub standing: Vec<Standing>,
    /// Tables and indexes that were written anew.
    pub rewrote: Vec<TableName>,
    /// `persistence`, `default`, `type`, `access method`.
    pub reasons: Vec<String>,
    /// Rows read in sequence; those that parallel workers read are not among them.
    pub scanned: Vec<(TableName, i64)>,
    pub wal_bytes: i64,
    /// `None`: not known.
    pub temp_bytes: Option<i64>,
    pub refused: Option<Refused>,
}

/// Why the trial ends at a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// `None`: it was not run.
    pub sqlstate: Option<String>,
    /// Without values.
    pub why: String,
}

/// The bytes of the temporary files that a session has removed: its connection's notices go to [`Spilled::hear`].
#[derive(Clone, Debug, Default)]
pub struct Spilled(Arc<AtomicI64>);

impl Spilled {
    /// `temporary file: path "…", size 1234` (PostgreSQL's storage/file/fd.c).
    pub fn hear(&self, notice: &DbError) {
        let size = notice.message().strip_prefix("temporary file: ").and_then(|text| text.rsplit_once(", size "));
        if let Some(bytes) = size.and_then(|(_, bytes)| bytes.parse::<i64>().ok()) {
            self.0.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    fn take(&self) -> i64 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

const LISTEN: &str = "set local lc_messages = 'C'; set local log_temp_files = 0; set local client_min_messages = log";

/// Larger than the least `work_mem`: whoever listens hears of this.
const SPILL: &str = "set local work_mem = '64kB'; select count(*) from pg_catalog.generate_series(1, 20000)";

/// Rolled back with the rest. A temporary schema is in nobody's way.
const EVENTS: &str = "
create temporary table db_change_rewrites (reason integer);
create function pg_temp.db_change_rewrite() returns event_trigger language plpgsql as $$ begin
  insert into pg_temp.db_change_rewrites values (pg_catalog.pg_event_trigger_table_rewrite_reason()); end $$;
create event trigger db_change_rewrite on table_rewrite execute function pg_temp.db_change_rewrite()";

/// What COMMIT checks, without its end (PostgreSQL docs, SET CONSTRAINTS).
const COMMIT: &str = "set constraints all immediate";

/// Tries the statements; each is (line, SQL). `spilled` hears this client's notices.
pub fn run(client: &mut Client, statements: &[(usize, String)], spilled: &Spilled) -> Result<Trial> {
    let mut transaction = client.transaction().told("opening a transaction to try the migration")?;
    let listens = listen(&mut transaction, spilled)?;
    let event_trigger = allowed(&mut transaction, EVENTS)?.err();
    let mut watch = Watch::start(&mut transaction)?;
    let mut tried: Vec<Tried> = Vec::new();
    for (line, sql) in statements {
        let mut record = Tried { line: *line, statement: shown(sql), ..Tried::default() };
        if let Some(why) = unfit(sql) {
            record.refused = Some(Refused { sqlstate: None, why: why.to_owned() });
            tried.push(record);
            return end(transaction, tried, event_trigger);
        }
        watch.before(&mut transaction)?;
        spilled.take();
        let started = Instant::now();
        let outcome = transaction.batch_execute(sql);
        record.milliseconds = started.elapsed().as_secs_f64() * 1000.0;
        record.temp_bytes = listens.then(|| spilled.take());
        if let Err(error) = outcome {
            record.refused = Some(refused(error)?);
            tried.push(record);
            return end(transaction, tried, event_trigger);
        }
        let seen = watch.after(&mut transaction)?;
        if event_trigger.is_none() {
            record.reasons = reasons(&mut transaction)?;
        }
        record.held = held(sql, &seen);
        record.take(seen);
        tried.push(record);
    }
    if let Err(error) = transaction.batch_execute(COMMIT) {
        let line = statements.last().map_or(0, |(line, _)| *line);
        let refused = Some(refused(error)?);
        tried.push(Tried { line, statement: "COMMIT".to_owned(), refused, ..Tried::default() });
    }
    end(transaction, tried, event_trigger)
}

impl Tried {
    fn take(&mut self, seen: Seen) {
        self.locks = seen.locks;
        self.standing = seen.standing;
        self.rewrote = seen.rewrote;
        self.scanned = seen.scanned;
        self.wal_bytes = seen.wal_bytes;
    }
}

fn end(transaction: Transaction<'_>, statements: Vec<Tried>, event_trigger: Option<String>) -> Result<Trial> {
    transaction.rollback().told("rolling the tried migration back")?;
    Ok(Trial { statements, event_trigger })
}

/// What would leave the transaction, or may.
fn unfit(sql: &str) -> Option<&'static str> {
    let parsed = statements::parse(sql);
    if parsed
        .statements
        .iter()
        .any(|statement| statement.actions.iter().any(|action| matches!(action, Action::Transaction(_))))
    {
        return Some("not tried: it controls the transaction itself");
    }
    (!parsed.errors.is_empty()).then_some("not tried: it cannot be read, and may control the transaction itself")
}

/// A refusal of the server's; a lost session is an error.
fn refused(error: postgres::Error) -> Result<Refused> {
    let (why, code) = (without_values(&error), error.code().map(|code| code.code().to_owned()));
    if error.as_db_error().is_none() || error.is_closed() {
        return Err(error).told("trying the migration");
    }
    Ok(Refused { sqlstate: code, why })
}

/// Runs SQL of ours that the role may be refused; then nothing of it stays, and the reason is told.
fn allowed(transaction: &mut Transaction<'_>, sql: &str) -> Result<std::result::Result<(), String>> {
    let mut inner = transaction.transaction().told("preparing the trial")?;
    match inner.batch_execute(sql) {
        Ok(()) => {
            inner.commit().told("preparing the trial")?;
            Ok(Ok(()))
        }
        Err(error) => {
            inner.rollback().told("preparing the trial")?;
            let denied = error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE);
            Ok(Err(if denied { "not permitted".to_owned() } else { without_values(&error) }))
        }
    }
}

/// Whether temporary files are heard of: tried with one of ours, so that zero later means none.
fn listen(transaction: &mut Transaction<'_>, spilled: &Spilled) -> Result<bool> {
    if allowed(transaction, LISTEN)?.is_err() {
        return Ok(false);
    }
    spilled.take();
    let mut inner = transaction.transaction().told("preparing the trial")?;
    let heard = inner.batch_execute(SPILL).is_ok() && spilled.take() > 0;
    inner.rollback().told("preparing the trial")?;
    Ok(heard)
}

/// The bits of `pg_event_trigger_table_rewrite_reason()` (PostgreSQL's commands/event_trigger.h).
fn reasons(transaction: &mut Transaction<'_>) -> Result<Vec<String>> {
    let sql = "with gone as (delete from pg_temp.db_change_rewrites returning reason) select coalesce(bit_or(reason), 0) from gone";
    let bits: i32 = transaction.query_one(sql, &[]).told("reading why tables were rewritten")?.get(0);
    let words = [(1, "persistence"), (2, "default"), (4, "type"), (8, "access method")];
    Ok(words.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, word)| (*word).to_owned()).collect())
}

fn held(sql: &str, seen: &Seen) -> Vec<Lock> {
    let parsed = statements::parse(sql);
    let named: Vec<&TableName> =
        parsed.statements.iter().flat_map(|statement| &statement.actions).flat_map(Action::tables).collect();
    let own = |table: &TableName| named.contains(&table) || seen.locks.iter().any(|lock| lock.relation == *table);
    let others = seen.standing.iter().filter(|standing| standing.is_table && !own(&standing.relation));
    let blocking = others.filter_map(|standing| {
        let mode = standing.before.filter(|mode: &Mode| mode.blocks_writes())?;
        Some(Lock { relation: standing.relation.clone(), mode })
    });
    blocking.collect()
}

#[cfg(test)]
#[path = "trial_tests.rs"]
mod tests;
