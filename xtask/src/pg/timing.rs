//! How long each statement of a migration takes, which locks it takes, and whether it writes a table anew.
//!
//! Everything runs inside a transaction that is rolled back, on a copy; statements that refuse a transaction cannot be timed here. Watching
//! happens between statements, never within the time ([`super::watch`]).

use std::time::Instant;

use anyhow::Result;
use postgres::Client;
use serde::{Deserialize, Serialize};

use super::error::{Told, without_values};
use super::watch::{Lock, Watch, shown};
use crate::failure::Failure;
use crate::sql::TableName;

/// One statement, over all repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementTiming {
    /// Its beginning on one line, texts in it replaced by `'…'`.
    pub statement: String,
    /// In the migration file.
    pub line: usize,
    pub milliseconds: Vec<f64>,
    /// As far as no earlier statement held the same.
    pub locks: Vec<Lock>,
    /// Tables and indexes that were written anew.
    pub rewrote: Vec<TableName>,
    /// Written to the log by the first run: what replicas must receive.
    pub wal_bytes: i64,
}

/// Runs the statements `repeats` times, each time in a transaction that is rolled back. `statements` are (line, SQL).
pub fn time_statements(
    client: &mut Client,
    statements: &[(usize, String)],
    repeats: usize,
) -> Result<Vec<StatementTiming>> {
    let mut timings: Vec<StatementTiming> = statements
        .iter()
        .map(|(line, sql)| StatementTiming {
            statement: shown(sql),
            line: *line,
            milliseconds: Vec::new(),
            locks: Vec::new(),
            rewrote: Vec::new(),
            wal_bytes: 0,
        })
        .collect();
    for repeat in 0..repeats.max(1) {
        let mut transaction = client.transaction().told("opening a transaction to time the migration")?;
        let mut watch = if repeat == 0 { Some(Watch::start(&mut transaction)?) } else { None };
        for (timing, (_, sql)) in timings.iter_mut().zip(statements) {
            if let Some(watch) = &mut watch {
                watch.before(&mut transaction)?;
            }
            let started = Instant::now();
            let outcome = transaction.batch_execute(sql);
            timing.milliseconds.push(started.elapsed().as_secs_f64() * 1000.0);
            outcome.map_err(|error| failed(timing, &error))?;
            if let Some(watch) = &mut watch {
                let seen = watch.after(&mut transaction)?;
                (timing.locks, timing.rewrote, timing.wal_bytes) = (seen.locks, seen.rewrote, seen.wal_bytes);
            }
        }
        transaction.rollback().told("rolling the timed migration back")?;
    }
    Ok(timings)
}

fn failed(timing: &StatementTiming, error: &postgres::Error) -> Failure {
    let failure = Failure::step(format!("the statement at line {} failed while it was timed", timing.line));
    let failure = failure.detail(&timing.statement).detail(without_values(error));
    if error.code() == Some(&postgres::error::SqlState::ACTIVE_SQL_TRANSACTION) {
        return failure
            .hint("it cannot run inside a transaction; such a statement belongs into the `.online.sql` file");
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::lock_mode::Mode;
    use crate::pg::testing::Scratch;

    fn timed(client: &mut Client, statements: &[&str]) -> Result<Vec<StatementTiming>> {
        let statements: Vec<(usize, String)> =
            statements.iter().enumerate().map(|(place, sql)| (place + 1, (*sql).to_owned())).collect();
        time_statements(client, &statements, 3)
    }

    #[test]
    fn locks_and_rewrites_are_told_for_the_statement_that_caused_them() {
        let (_scratch, mut client) = Scratch::with(
            "create table \"T 1\" (id integer primary key, a integer, b text); insert into \"T 1\" select g, g from generate_series(1, 2000) g",
        );
        let found = timed(
            &mut client,
            &[
                "create index i on \"T 1\" (a)",
                "alter table \"T 1\" alter a type bigint",
                "alter table \"T 1\" rename b to c",
                "drop table \"T 1\"",
            ],
        )
        .unwrap();
        assert!(
            found.iter().all(|timing| timing.milliseconds.len() == 3 && timing.milliseconds.iter().all(|ms| *ms > 0.0))
        );
        let lock = |mode| Lock { relation: TableName::new("public", "T 1"), mode };
        assert!(found[0].locks.contains(&lock(Mode::Share)) && found[0].rewrote.is_empty());
        assert!(found[1].locks.contains(&lock(Mode::AccessExclusive)));
        // The index is of this transaction, as is what becomes of it.
        assert_eq!(found[1].rewrote, ["T 1", "T 1_pkey"].map(|name| TableName::new("public", name)));
        assert!(found[1].wal_bytes > 100_000, "{}", found[1].wal_bytes);
        assert_eq!((&found[2].locks, &found[2].rewrote), (&vec![], &vec![]));
        let rows: i64 = client.query_one("select count(b) + count(*) from \"T 1\"", &[]).unwrap().get(0);
        assert_eq!(rows, 2000);
    }

    #[test]
    fn a_failing_statement_is_named_without_values_and_nothing_stays() {
        let (_scratch, mut client) =
            Scratch::with("create table t (a text); insert into t values ('secret'), ('secret')");
        let failure = Failure::from_error(
            &timed(&mut client, &["alter table t add b text default 'hush'", "alter table t add unique (a)"])
                .unwrap_err(),
        );
        assert!(
            failure.message.contains("line 2")
                && failure.render().contains("23505")
                && !failure.render().contains("secret")
        );
        let failure = Failure::from_error(&timed(&mut client, &["create index concurrently i on t (a)"]).unwrap_err());
        assert_eq!((failure.hints.len(), client.execute("insert into t (a) values (null)", &[]).unwrap()), (1, 1));
        assert!(client.query_one("select b from t", &[]).is_err());
    }
}
