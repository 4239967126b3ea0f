//! Questions to a database that is still as before the reviewed files: their numbers, what they cost, and why one was not asked.
//!
//! Invariant: reads only, each question in a transaction of its own (a long snapshot would hold up VACUUM), counts only, never values. A
//! question that would cost too much, times out or fails is answered by "not judged" with the very SQL to run, never by silence.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use postgres::types::ToSql;
use postgres::{Client, SimpleQueryMessage};

use super::finding::DecidedBy;
use crate::numbers::thousands;
use crate::sql::{TableName, parts};

/// The planner's cost beyond which a question is not asked: a page read in sequence is 1, a row looked at 0.01 to 0.02, so that some
/// 100 million rows may be read (PostgreSQL docs, 20.7.2).
pub const COSTLY: f64 = 3_000_000.0;

/// In each question, so that a server that remembers queries tells ours from others'.
pub(super) const MARK: &str = "/* db-change */";

/// A table that was never analyzed and is at most this large is counted.
const COUNTED_BYTES: i64 = 256 << 20;

/// The database that may be asked, and what it is called.
pub struct Asked<'a> {
    pub client: &'a mut Client,
    /// `production`, `app on db.example.com`
    pub name: String,
    /// It is asked for want of this one: what its rows do not show proves nothing about those.
    pub instead_of: Option<String>,
}

pub struct Live<'a> {
    asked: Asked<'a>,
    /// Spent on waiting for answers.
    pub waited: Duration,
    pub costly: f64,
    volumes: HashMap<TableName, Option<Volume>>,
    /// Functions by name, and whether one of that name may do more than read.
    functions: HashMap<String, bool>,
}

/// How large a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume {
    pub rows: i64,
    /// Counted now, else by the statistics.
    pub exact: bool,
    /// With indexes and TOAST.
    pub bytes: i64,
}

/// A query that was not run: its columns with their types, and its plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub columns: Vec<(String, u32)>,
    pub plan: serde_json::Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Count { count: i64, elapsed: Duration },
    NotJudged { why: String, sql: String },
}

/// What became of an expression that was computed for each row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tried {
    Each {
        count: i64,
        elapsed: Duration,
    },
    /// Some value has no result.
    Fails {
        state: String,
        elapsed: Duration,
    },
    NotJudged {
        why: String,
    },
}

impl<'a> Live<'a> {
    #[must_use]
    pub fn new(asked: Asked<'a>) -> Self {
        Live { asked, waited: Duration::ZERO, costly: COSTLY, volumes: HashMap::new(), functions: HashMap::new() }
    }

    /// The database that was not asked.
    #[must_use]
    pub fn instead_of(&self) -> Option<&str> {
        self.asked.instead_of.as_deref()
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.asked.name
    }

    /// The server's major version.
    pub fn major(&mut self) -> Option<u32> {
        let sql = "select current_setting('server_version_num')::int / 10000";
        let rows = self.rows(sql, &[])?;
        u32::try_from(rows.first()?.get::<_, i32>(0)).ok()
    }

    /// Rows of a catalog query; `None` where it failed.
    pub fn rows(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Option<Vec<postgres::Row>> {
        let begun = Instant::now();
        let rows = self.asked.client.query(sql, parameters);
        self.waited += begun.elapsed();
        rows.ok()
    }

    /// The number that a query of one row and one column gives, unless it costs too much.
    pub fn count(&mut self, sql: &str) -> Answer {
        let begun = Instant::now();
        let answer = self.ask(sql);
        let elapsed = begun.elapsed();
        self.waited += elapsed;
        match answer {
            Ok(count) => Answer::Count { count, elapsed },
            Err(Refusal { why, .. }) => Answer::NotJudged { why, sql: format!("{sql};") },
        }
    }

    /// As `count`, for a query that itself fails where a value has no result (class 22, a domain's constraint, no such cast).
    pub(super) fn tried(&mut self, sql: &str) -> Tried {
        let begun = Instant::now();
        let answer = self.ask(sql);
        let elapsed = begun.elapsed();
        self.waited += elapsed;
        match answer {
            Ok(count) => Tried::Each { count, elapsed },
            Err(Refusal { state: Some(state), .. })
                if state.starts_with("22") || state == "23514" || state == "42846" =>
            {
                Tried::Fails { state, elapsed }
            }
            Err(Refusal { why, .. }) => Tried::NotJudged { why },
        }
    }

    /// How many rows a statement writes to a table, by the planner's estimate; nothing is run.
    pub fn estimate(&mut self, statement: &str, table: &str) -> Option<i64> {
        let begun = Instant::now();
        let plan = self.plan("", statement);
        self.waited += begun.elapsed();
        let mut open = vec![plan.ok()?[0]["Plan"].clone()];
        while let Some(node) = open.pop() {
            let parts = node["Plans"].as_array().cloned().unwrap_or_default();
            if node["Node Type"] == "ModifyTable" && node["Relation Name"] == table {
                let from = parts.iter().filter(|part| part["Parent Relationship"] != "InitPlan");
                #[expect(clippy::cast_possible_truncation, reason = "a number of rows")]
                return Some(from.filter_map(|part| part["Plan Rows"].as_f64()).sum::<f64>() as i64);
            }
            open.extend(parts);
        }
        None
    }

    fn plan(&mut self, options: &str, sql: &str) -> Result<serde_json::Value, Refusal> {
        let explain = format!("EXPLAIN ({options}FORMAT JSON) {sql}");
        // Refuses what would be more than one statement.
        self.asked.client.prepare(&explain).map_err(|error| told(&error))?;
        let messages = self.asked.client.simple_query(&explain).map_err(|error| told(&error))?;
        let plan: String = messages
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            })
            .collect();
        serde_json::from_str(&plan).map_err(|_| Refusal::of("its plan could not be read"))
    }

    /// The expressions of a question come from the reviewed file, and reading only keeps no function from ending sessions, taking locks
    /// or calling other servers: none is called that may do more than compute its value.
    fn calls_no_other(&mut self, sql: &str) -> Result<(), Refusal> {
        let all = parts::called(sql).ok_or_else(|| Refusal::of("what it calls is not read here"))?;
        let unknown: Vec<String> = all.iter().filter(|name| !self.functions.contains_key(*name)).cloned().collect();
        if !unknown.is_empty() {
            let query =
                "select distinct proname::text from pg_catalog.pg_proc where proname = any($1) and provolatile = 'v'";
            let rows = self.asked.client.query(query, &[&unknown]).map_err(|error| told(&error))?;
            let volatile: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            self.functions.extend(unknown.into_iter().map(|name| (name.clone(), volatile.contains(&name))));
        }
        match all.iter().find(|name| self.functions.get(*name) != Some(&false)) {
            Some(name) => Err(Refusal::of(&format!("it calls {name}, which may do more than compute a value"))),
            None => Ok(()),
        }
    }

    fn ask(&mut self, sql: &str) -> Result<i64, Refusal> {
        self.calls_no_other(sql)?;
        let plan = self.plan("", sql)?;
        let cost = plan[0]["Plan"]["Total Cost"].as_f64().ok_or_else(|| Refusal::of("its plan could not be read"))?;
        if cost > self.costly {
            let rows = plan[0]["Plan"]["Plan Rows"].as_f64().unwrap_or_default();
            return Err(Refusal::of(&format!(
                "the question costs {cost:.0} by the planner's estimate ({rows:.0} rows), over {:.0}",
                self.costly
            )));
        }
        let marked = sql.replacen("SELECT ", &format!("SELECT {MARK} "), 1);
        let row = self.asked.client.query_one(&marked, &[]).map_err(|error| told(&error))?;
        row.try_get(0).map_err(|error| told(&error))
    }

    /// What a query would give and how it would be run, without running it; `None` where it is none, or cannot be planned.
    pub fn planned(&mut self, query: &str) -> Option<Planned> {
        let begun = Instant::now();
        let prepared = self.asked.client.prepare(query).ok();
        let plan = self.plan("VERBOSE, COSTS OFF, ", query).ok();
        self.waited += begun.elapsed();
        let prepared = prepared?;
        let columns = prepared.columns().iter().map(|column| (column.name().to_owned(), column.type_().oid()));
        Some(Planned { columns: columns.collect(), plan: plan? })
    }

    /// By the statistics where they are there, else counted; `None` where there is no such table or it may not be seen.
    pub fn volume(&mut self, table: &TableName) -> Option<Volume> {
        if let Some(known) = self.volumes.get(table) {
            return *known;
        }
        let found = self.measure(table);
        self.volumes.insert(table.clone(), found);
        found
    }

    fn measure(&mut self, table: &TableName) -> Option<Volume> {
        let sql = "
select coalesce(sum(greatest(l.reltuples, -1)), -1)::float8, coalesce(sum(pg_catalog.pg_total_relation_size(l.oid)), 0)::bigint,
  coalesce(bool_or(l.reltuples < 0), true), count(*)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join lateral (select relid from pg_catalog.pg_partition_tree(c.oid) where isleaf
    union select c.oid::regclass where c.relkind in ('r', 'm')) t
  join pg_catalog.pg_class l on l.oid = t.relid
where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'm')";
        let rows = self.rows(sql, &[&table.schema, &table.name])?;
        let row = rows.first()?;
        let (estimate, bytes, never_analyzed, found): (f64, i64, bool, i64) =
            (row.get(0), row.get(1), row.get(2), row.get(3));
        if found == 0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "a number of rows")]
        let estimate = estimate.max(0.0) as i64;
        // Statistics of a table that has shrunk or grown since are off by little where it is large, and by everything where it is small.
        if bytes <= COUNTED_BYTES
            && let Answer::Count { count, .. } = self.count(&format!("SELECT count(*) FROM {}", table.quoted()))
        {
            return Some(Volume { rows: count, exact: true, bytes });
        }
        // No statistics and too large to count: at least a row in 200 bytes.
        let rows = if never_analyzed { bytes / 200 } else { estimate };
        Some(Volume { rows, exact: false, bytes })
    }

    /// `live production (0 orphans of 1,204,112 rows, 84 ms)`
    #[must_use]
    pub fn decided(&self, what: &str, elapsed: Option<Duration>) -> DecidedBy {
        let time = elapsed.map(|elapsed| format!(", {} ms", elapsed.as_millis().max(1))).unwrap_or_default();
        DecidedBy::Live(format!("{} ({what}{time})", self.asked.name))
    }
}

impl Volume {
    #[must_use]
    pub fn words(&self) -> String {
        let about = if self.exact { "" } else { "about " };
        format!("{about}{} row{}, {}", thousands(self.rows), if self.rows == 1 { "" } else { "s" }, size(self.bytes))
    }
}

#[must_use]
pub fn size(bytes: i64) -> String {
    match bytes {
        ..=0xf_ffff => format!("{} kB", (bytes.max(0) + 1023) / 1024),
        0x10_0000..=0x3fff_ffff => format!("{} MB", bytes >> 20),
        _ => format!("{}.{} GB", bytes >> 30, ((bytes >> 20) % 1024) * 10 / 1024),
    }
}

struct Refusal {
    why: String,
    state: Option<String>,
}

impl Refusal {
    fn of(why: &str) -> Refusal {
        Refusal { why: why.to_owned(), state: None }
    }
}

/// Why there is no answer, without any value: messages quote data.
fn told(error: &postgres::Error) -> Refusal {
    let state = error.code().map(postgres::error::SqlState::code);
    let why = match state {
        Some("57014") => "the question ran into its time limit".to_owned(),
        Some("55P03") => "the table is locked by somebody else".to_owned(),
        Some("42501") => "the role may not read all of it".to_owned(),
        Some(code) => format!("the question failed with SQLSTATE {code}"),
        None => "the connection was lost".to_owned(),
    };
    Refusal { why, state: state.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::server::{Server, Settings};
    use crate::pg::testing::programs;

    #[test]
    fn a_question_that_calls_more_than_it_reads_or_sees_less_than_all_rows_is_not_asked() {
        let server = Server::start(&programs(), &Settings::default()).unwrap();
        server.create_database("live").unwrap();
        let mut client = server.connect("live").unwrap();
        let made = "create table t (a int); insert into t values (1), (2); alter table t enable row level security;
create policy p on t using (a = 1); create role reader; grant select on t to reader";
        client.batch_execute(made).unwrap();
        let mut live = Live::new(Asked { client: &mut client, name: "test".to_owned(), instead_of: None });
        let why = |answer: Answer| match answer {
            Answer::NotJudged { why, .. } => why,
            Answer::Count { count, .. } => count.to_string(),
        };
        assert_eq!(why(live.count("SELECT count(*) FROM t WHERE abs(a) > 0")), "2");
        let sleeps = "SELECT count(*) FROM t WHERE \"pg_sleep\"(1) IS NULL";
        assert_eq!(why(live.count(sleeps)), "it calls pg_sleep, which may do more than compute a value");
        client.batch_execute("set role reader; set row_security = off").unwrap();
        let mut live = Live::new(Asked { client: &mut client, name: "test".to_owned(), instead_of: None });
        assert_eq!(why(live.count("SELECT count(*) FROM t")), "the role may not read all of it");
    }
}
