//! Runs a case's files on its database and writes down, after each statement, the locks its transaction holds and the rows it
//! read and wrote; the source of each figure is PostgreSQL's own `pg_locks` and `pg_stat_xact_user_tables`.
//!
//! A statement that stands alone runs in a transaction of its own, so that its locks can be read before they go; one that
//! PostgreSQL refuses there (`CONCURRENTLY`, `VACUUM`, `COMMIT` in a block) runs bare, and its locks are not seen.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Client;
use xtask::sql::statements;

use super::case::{Case, Runs};
use super::observation::{MANY, MODES, blocks_writes};
use super::snapshot::Table;

/// By the number of a table that was there before.
#[derive(Debug, Default)]
pub struct Trace {
    pub failure: Option<(String, String)>,
    pub locks: BTreeSet<(u32, String)>,
    /// Most rows that one statement read.
    pub read: BTreeMap<u32, i64>,
    /// The same, of statements that ended with a lock on the table that blocks writes.
    pub read_blocking: BTreeMap<u32, i64>,
    pub written: BTreeMap<u32, i64>,
    pub keeps_over_rows: bool,
    pub keeps_over_tables: bool,
    /// Each statement that was begun, in order.
    pub steps: Vec<Step>,
}

/// What one statement did to tables that were there before.
#[derive(Debug, Default)]
pub struct Step {
    /// In the file.
    pub start: usize,
    /// Whether its locks and rows could be read.
    pub seen: bool,
    pub read: BTreeMap<u32, i64>,
    pub written: BTreeMap<u32, i64>,
    pub rewritten: BTreeSet<u32>,
    /// Those that it leaves locked against writes.
    pub blocking: BTreeSet<u32>,
}

/// Rows read and written so far in a transaction.
type Counts = BTreeMap<u32, (i64, i64)>;

struct Tracer<'a> {
    client: &'a mut Client,
    tables: &'a BTreeMap<u32, Table>,
    trace: Trace,
    counts: Counts,
    blocking: BTreeSet<u32>,
}

/// Not inside a transaction block: 25001 (`CREATE INDEX CONCURRENTLY`, `VACUUM`), 2D000 (`COMMIT` in a `DO`).
const BARE: [&str; 2] = ["25001", "2D000"];

impl Trace {
    pub fn of(case: &Case, client: &mut Client, tables: &BTreeMap<u32, Table>) -> Trace {
        let (counts, blocking) = (Counts::new(), BTreeSet::new());
        let mut tracer = Tracer { client, tables, trace: Trace::default(), counts, blocking };
        if let Err(error) = tracer.run(case) {
            let code = error.code().map_or_else(|| "no SQLSTATE".to_owned(), |code| code.code().to_owned());
            let message = error.as_db_error().map_or_else(|| error.to_string(), |found| found.message().to_owned());
            tracer.trace.failure = Some((code, message));
            tracer.client.batch_execute("rollback").unwrap();
        }
        tracer.trace
    }
}

impl Tracer<'_> {
    fn run(&mut self, case: &Case) -> Result<(), postgres::Error> {
        let mut open = case.runs == Runs::Drizzle;
        if open {
            self.begin()?;
        }
        for (name, sql) in &case.files {
            let parsed = statements::parse(sql);
            assert_eq!(parsed.errors, [], "tests/corpus/{}, {name}", case.path);
            for statement in &parsed.statements {
                self.trace.steps.push(Step { start: statement.start, ..Step::default() });
                let first = statement.text.split_whitespace().next().unwrap_or_default().to_uppercase();
                match (first.as_str(), open) {
                    ("BEGIN" | "START", _) => {
                        self.begin()?;
                        open = true;
                    }
                    ("COMMIT" | "END" | "ROLLBACK" | "ABORT", _) => {
                        self.client.batch_execute(&statement.text)?;
                        open = false;
                    }
                    (_, true) => self.traced(&statement.text)?,
                    (_, false) => self.alone(&statement.text)?,
                }
            }
        }
        self.client.batch_execute(if open { "commit" } else { "" })
    }

    fn begin(&mut self) -> Result<(), postgres::Error> {
        self.client.batch_execute("begin")?;
        self.counts = self.count()?;
        self.blocking.clear();
        Ok(())
    }

    fn alone(&mut self, statement: &str) -> Result<(), postgres::Error> {
        self.begin()?;
        match self.traced(statement) {
            Ok(()) => self.client.batch_execute("commit"),
            Err(error) if error.code().is_some_and(|code| BARE.contains(&code.code())) => {
                self.client.batch_execute("rollback")?;
                self.client.batch_execute(statement)
            }
            Err(error) => Err(error),
        }
    }

    fn traced(&mut self, statement: &str) -> Result<(), postgres::Error> {
        let files = self.files()?;
        self.client.batch_execute(statement)?;
        let moved = self.files()?;
        let mut step = Step { seen: true, ..Step::default() };
        step.rewritten = files
            .iter()
            .filter(|(table, file)| moved.get(table).is_some_and(|now| now != *file))
            .map(|(table, _)| *table)
            .collect();
        let counts = self.count()?;
        let locks = self.locks()?;
        let blocking: BTreeSet<u32> =
            locks.iter().filter(|(table, mode)| self.makes_wait(*table, mode)).map(|(table, _)| *table).collect();
        let mut rows = 0;
        for (table, (read, written)) in &counts {
            let (before_read, before_written) = self.counts.get(table).copied().unwrap_or_default();
            let (read, written) = (read - before_read, written - before_written);
            rows += read.max(written);
            if self.tables.contains_key(table) {
                more(&mut self.trace.read, *table, read);
                more(&mut self.trace.written, *table, written);
                step.read.insert(*table, read);
                step.written.insert(*table, written);
                if blocking.contains(table) {
                    more(&mut self.trace.read_blocking, *table, read);
                }
            }
        }
        self.trace.keeps_over_rows |= !self.blocking.is_empty() && rows > MANY;
        self.trace.keeps_over_tables |=
            !self.blocking.is_empty() && blocking.iter().any(|table| !self.blocking.contains(table));
        self.trace.locks.extend(locks);
        step.blocking.clone_from(&blocking);
        (self.counts, self.blocking) = (counts, blocking);
        if let Some(last) = self.trace.steps.last_mut() {
            step.start = last.start;
            *last = step;
        }
        Ok(())
    }

    /// Where each table lies.
    fn files(&mut self) -> Result<BTreeMap<u32, u32>, postgres::Error> {
        let sql = "select oid, pg_relation_filenode(oid) from pg_class where relkind in ('r', 'm') and oid >= 16384";
        let rows = self.client.query(sql, &[])?;
        let all = rows.iter().filter_map(|row| Some((row.get(0), row.get::<_, Option<u32>>(1)?)));
        Ok(all.filter(|(table, _)| self.tables.contains_key(table)).collect())
    }

    fn locks(&mut self) -> Result<BTreeSet<(u32, String)>, postgres::Error> {
        let sql =
            "select relation, mode from pg_locks where pid = pg_backend_pid() and locktype = 'relation' and granted";
        let rows = self.client.query(sql, &[])?;
        let all = rows.iter().map(|row| (row.get(0), row.get(1)));
        Ok(all.filter(|(table, _)| self.tables.contains_key(table)).collect())
    }

    fn makes_wait(&self, table: u32, mode: &str) -> bool {
        if self.tables[&table].is_materialized { MODES.ends_with(&[mode]) } else { blocks_writes(mode) }
    }

    fn count(&mut self) -> Result<Counts, postgres::Error> {
        count(self.client)
    }
}

/// Rows read and written by the session since some earlier moment: only differences within a transaction mean anything.
pub fn count(client: &mut Client) -> Result<Counts, postgres::Error> {
    let sql = "select relid, seq_tup_read + coalesce(idx_tup_fetch, 0), n_tup_ins + n_tup_upd + n_tup_del \
               from pg_stat_xact_user_tables";
    Ok(client.query(sql, &[])?.iter().map(|row| (row.get(0), (row.get(1), row.get(2)))).collect())
}

fn more(of: &mut BTreeMap<u32, i64>, table: u32, rows: i64) {
    let most = of.entry(table).or_default();
    *most = rows.max(*most);
}
