//! How long each statement of a migration takes, which locks it takes, and whether it writes a table anew.
//!
//! Everything runs inside a transaction that is rolled back, on a copy; statements that refuse a transaction cannot be timed here. Watching
//! happens between statements, never within the time. Locks show modes, not waits: who would be blocked is another measurement.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use anyhow::Result;
use postgres::{Client, GenericClient};
use serde::{Deserialize, Serialize};

use super::error::{Told, without_values};
use crate::failure::Failure;

/// One statement, over all repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementTiming {
    /// Its beginning on one line, texts in it replaced by `'…'`.
    pub statement: String,
    /// In the migration file.
    pub line: usize,
    pub milliseconds: Vec<f64>,
    /// Relation and mode, as far as no earlier statement held the same.
    pub locks: Vec<(String, String)>,
    /// Tables and indexes that were written anew.
    pub rewrote: Vec<String>,
    /// Written to the log by the first run: what replicas must receive.
    pub wal_bytes: i64,
}

const RELATIONS: &str = "
select c.oid, format('%I.%I', n.nspname, c.relname), coalesce(pg_catalog.pg_relation_filenode(c.oid), 0)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'm', 'i', 'I', 'S', 'v', 'f')";

const LOCKS: &str = "
select relation, mode from pg_catalog.pg_locks
where pid = pg_catalog.pg_backend_pid() and locktype = 'relation' and granted
  and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())";

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
            let started = Instant::now();
            let outcome = transaction.batch_execute(sql);
            timing.milliseconds.push(started.elapsed().as_secs_f64() * 1000.0);
            outcome.map_err(|error| failed(timing, &error))?;
            if let Some(watch) = &mut watch {
                watch.look(&mut transaction, timing)?;
            }
        }
        transaction.rollback().told("rolling the timed migration back")?;
    }
    Ok(timings)
}

struct Watch {
    names: BTreeMap<u32, String>,
    filenodes: BTreeMap<u32, u32>,
    held: BTreeSet<(u32, String)>,
    wal: i64,
}

impl Watch {
    fn start(client: &mut impl GenericClient) -> Result<Watch> {
        let mut watch = Watch { names: BTreeMap::new(), filenodes: BTreeMap::new(), held: BTreeSet::new(), wal: 0 };
        watch.relations(client)?;
        watch.held = locks(client)?;
        watch.wal = wal(client)?;
        Ok(watch)
    }

    fn look(&mut self, client: &mut impl GenericClient, timing: &mut StatementTiming) -> Result<()> {
        let wal_now = wal(client)?;
        timing.wal_bytes = wal_now - self.wal;
        let held = locks(client)?;
        let (before, names_before) = self.relations(client)?;
        // An index on an altered column comes back under its name with another OID.
        let by_name: BTreeMap<&String, u32> =
            names_before.iter().filter_map(|(oid, name)| Some((name, *before.get(oid)?))).collect();
        for (oid, filenode) in &self.filenodes {
            let Some(name) = self.names.get(oid) else { continue };
            if before.get(oid).or(by_name.get(name)).is_some_and(|was| was != filenode) {
                timing.rewrote.push(name.clone());
            }
        }
        let new = held.difference(&self.held);
        // Relations that are gone keep the name they had; catalogs have none here.
        timing.locks = new.filter_map(|(oid, mode)| Some((self.names.get(oid)?.clone(), mode.clone()))).collect();
        timing.locks.sort();
        timing.rewrote.sort();
        self.held = held;
        self.wal = wal(client)?;
        Ok(())
    }

    /// Reads names and file nodes anew; returns them as they were.
    fn relations(&mut self, client: &mut impl GenericClient) -> Result<(BTreeMap<u32, u32>, BTreeMap<u32, String>)> {
        let (mut names, mut filenodes) = (self.names.clone(), BTreeMap::new());
        for row in client.query(RELATIONS, &[]).told("reading the file nodes")? {
            names.insert(row.get(0), row.get(1));
            filenodes.insert(row.get(0), row.get(2));
        }
        Ok((std::mem::replace(&mut self.filenodes, filenodes), std::mem::replace(&mut self.names, names)))
    }
}

fn locks(client: &mut impl GenericClient) -> Result<BTreeSet<(u32, String)>> {
    Ok(client.query(LOCKS, &[]).told("reading the locks")?.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn wal(client: &mut impl GenericClient) -> Result<i64> {
    let sql = "select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint";
    Ok(client.query_one(sql, &[]).told("reading the place in the log")?.get(0))
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

/// The first 80 characters on one line, with every quoted text replaced.
fn shown(sql: &str) -> String {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(place) = rest.find(['\'', '"', '$']) {
        let (before, from) = rest.split_at(place);
        out.push_str(before);
        let end = match &from[..1] {
            // A doubled quote inside reads as two texts in a row, which comes to the same.
            quote @ ("'" | "\"") => from[1..].find(quote).map(|end| end + 2),
            _ => from[1..]
                .find('$')
                .map(|end| &from[..end + 2])
                .filter(|tag| is_tag(tag))
                .and_then(|tag| from[tag.len()..].find(tag).map(|end| end + 2 * tag.len())),
        };
        let end = end.unwrap_or(if from.starts_with('$') { 1 } else { from.len() });
        let quoted = &from[..end];
        if quoted.starts_with('"') || quoted == "$" {
            out.push_str(quoted);
        } else if !out.ends_with("'…'") {
            out.push_str("'…'");
        }
        rest = &from[end..];
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(80).collect()
}

fn is_tag(text: &str) -> bool {
    text.trim_matches('$').chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let table = "public.\"T 1\"".to_owned();
        assert!(found[0].locks.contains(&(table.clone(), "ShareLock".to_owned())) && found[0].rewrote.is_empty());
        assert!(found[1].locks.contains(&(table.clone(), "AccessExclusiveLock".to_owned())));
        assert_eq!(found[1].rewrote, ["public.\"T 1\"", "public.\"T 1_pkey\"", "public.i"]);
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

    #[test]
    fn texts_are_not_shown() {
        assert_eq!(
            shown("update \"T's\"\n set a = 'it''s' || $x$ se'cret $x$, b = $1"),
            "update \"T's\" set a = '…' || '…', b = $1"
        );
        assert_eq!(shown("select 'open"), "select '…'");
    }
}
