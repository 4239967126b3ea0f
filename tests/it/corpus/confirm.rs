//! Compares what a database really does with what the header of a case says.

use std::collections::BTreeMap;

use postgres::Client;
use xtask::pg::server::Server;

use super::case::{self, Case, Label, Variant};
use super::observation::{MANY, Observation};
use super::snapshot::{Answer, Snapshot, ask, checksum};
use super::trace::Trace;

/// Everything that was seen of one run.
pub struct Seen {
    pub before: Snapshot,
    pub after: Snapshot,
    pub trace: Trace,
    answers: BTreeMap<String, (Answer, Answer)>,
    checksums: BTreeMap<String, (Option<i64>, Option<i64>)>,
    broken: Vec<String>,
}

/// Runs the case with these rows; what of its header the database contradicts, or nothing.
pub fn confirm(server: &Server, name: &str, case: &Case, variant: Variant) -> Vec<String> {
    let _ = case::prepared(server, name, case, variant);
    let seen = Seen::of(server, name, case, variant);
    server.drop_database(name).unwrap();
    let stated = case.observations(variant);
    let mut wrong: Vec<String> = stated.iter().filter_map(|one| seen.contradicts(one)).collect();
    let must_be_quick = case.label == Label::Safe || (case.label == Label::Data && variant == Variant::Data);
    if must_be_quick {
        wrong.extend(seen.contradicts(&Observation::Quick));
    }
    let is_dangerous = |one: &Observation| !matches!(one, Observation::Quick | Observation::Works(_));
    if !must_be_quick && case.label != Label::Unjudgeable && !stated.iter().any(is_dangerous) {
        wrong.push("nothing dangerous is stated".to_owned());
    }
    let rows = if variant == Variant::Data { "" } else { " (other data)" };
    wrong.iter().map(|text| format!("tests/corpus/{}{rows}: {text}", case.path)).collect()
}

impl Seen {
    pub fn of(server: &Server, name: &str, case: &Case, variant: Variant) -> Seen {
        let mut watcher = server.connect(name).unwrap();
        let before = Snapshot::of(&mut watcher);
        let stated = case.observations(variant);
        let asked = ask_all(&mut watcher, stated);
        let summed = sum_all(&mut watcher, stated);
        // A second session: what it holds and counts is the migration's alone.
        let trace = Trace::of(case, &mut server.connect(name).unwrap(), &before.tables);
        let after = Snapshot::of(&mut watcher);
        let mut again = ask_all(&mut watcher, stated);
        let answers = asked.into_iter().map(|(query, first)| {
            let second = again.remove(&query).unwrap();
            (query, (first, second))
        });
        let answers = answers.collect();
        let mut resummed = sum_all(&mut watcher, stated);
        let checksums = summed.into_iter().map(|(column, first)| {
            let second = resummed.remove(&column).unwrap();
            (column, (first, second))
        });
        let checksums = checksums.collect();
        let broken = before.broken_old_code(&mut watcher);
        Seen { before, after, trace, answers, checksums, broken }
    }

    /// Why this was not seen, or nothing.
    fn contradicts(&self, stated: &Observation) -> Option<String> {
        let held = match stated {
            Observation::Fails(code) => self.trace.failure.as_ref().is_some_and(|(found, _)| found == code),
            Observation::Lock { table, mode } => {
                self.number(table).is_some_and(|number| self.trace.locks.contains(&(number, mode.clone())))
            }
            Observation::Rewrites(table) => self.number(table).is_some_and(|number| self.is_rewritten(number)),
            Observation::Scans(table) => self.before.table(table).is_some_and(|(number, table)| {
                table.rows > 0 && self.trace.read.get(&number).is_some_and(|read| *read >= table.rows)
            }),
            Observation::Writes(table) => {
                self.number(table).and_then(|number| self.trace.written.get(&number)).is_some_and(|rows| *rows > MANY)
            }
            Observation::Loses(what) => self.before.lost(&self.after).contains(what),
            Observation::Changes(column) => {
                let (first, second) = self.checksums[column];
                first.is_some() && second.is_some() && first != second
            }
            Observation::Breaks(query) => {
                let (first, second) = &self.answers[query];
                first.rows.is_ok() && first.rows != second.rows
            }
            Observation::Works(query) => {
                let (first, second) = &self.answers[query];
                first.rows.is_ok() && first.rows == second.rows
            }
            Observation::Opens(query) => {
                let (first, second) = &self.answers[query];
                first.rows.is_err() && second.rows.is_ok()
            }
            Observation::Slows(query) => {
                let (first, second) = &self.answers[query];
                first.rows.is_ok() && second.rows.is_ok() && !first.reads_many && second.reads_many
            }
            Observation::LeavesInvalid(index) => self.after.invalid.contains(index),
            Observation::KeepsLocks => self.trace.keeps_over_rows || self.trace.keeps_over_tables,
            Observation::Quick => return self.not_quick().map(|reason| format!("it is not quick: {reason}")),
        };
        (!held).then(|| format!("not seen: {stated:?}; the run: {}", self.summary()))
    }

    fn not_quick(&self) -> Option<String> {
        let beyond = |counts: &BTreeMap<u32, i64>| {
            let found = counts.iter().find(|(_, rows)| **rows > MANY);
            found.map(|(number, rows)| format!("{rows} rows of {}", self.before.tables[number].name))
        };
        if let Some((code, message)) = &self.trace.failure {
            return Some(format!("fails with {code}: {message}"));
        }
        let many = |(number, table): &(&u32, &super::snapshot::Table)| table.rows > MANY && self.is_rewritten(**number);
        if let Some((_, table)) = self.before.tables.iter().find(many) {
            return Some(format!("rewrites {}", table.name));
        }
        if let Some(text) = beyond(&self.trace.read_blocking) {
            return Some(format!("reads {text} under a lock that blocks writes"));
        }
        if let Some(text) = beyond(&self.trace.written) {
            return Some(format!("writes {text} in one statement"));
        }
        if self.trace.keeps_over_rows {
            return Some("keeps a lock while a later statement goes over many rows".to_owned());
        }
        let lost = self.before.lost(&self.after);
        if !lost.is_empty() {
            return Some(format!("loses {lost:?}"));
        }
        if !self.broken.is_empty() {
            return Some(format!("breaks {:?}", self.broken));
        }
        let invalid: Vec<_> = self.after.invalid.difference(&self.before.invalid).collect();
        (!invalid.is_empty()).then(|| format!("leaves invalid {invalid:?}"))
    }

    fn number(&self, table: &str) -> Option<u32> {
        self.before.table(table).map(|(number, _)| number)
    }

    fn is_rewritten(&self, number: u32) -> bool {
        let before = self.before.tables.get(&number).and_then(|table| table.file);
        self.after.tables.get(&number).is_some_and(|after| before.is_some() && after.file != before)
    }

    fn summary(&self) -> String {
        let name = |number: &u32| self.before.tables[number].name.clone();
        let locks: Vec<_> = self.trace.locks.iter().map(|(number, mode)| format!("{} {mode}", name(number))).collect();
        let counts = |of: &BTreeMap<u32, i64>| {
            let some = of.iter().filter(|(_, rows)| **rows > 0);
            some.map(|(number, rows)| format!("{} {rows}", name(number))).collect::<Vec<_>>()
        };
        let rewritten: Vec<_> =
            self.before.tables.keys().filter(|number| self.is_rewritten(**number)).map(name).collect();
        let answers: Vec<_> = self
            .answers
            .iter()
            .map(|(query, (first, second))| {
                let code = |answer: &Answer| {
                    answer.rows.as_ref().map_or_else(Clone::clone, |rows| format!("{} rows", rows.len()))
                };
                format!("`{query}` {} then {}", code(first), code(second))
            })
            .collect();
        format!(
            "failure {:?}, locks {locks:?}, read {:?}, written {:?}, rewritten {rewritten:?}, lost {:?}, answers {answers:?}",
            self.trace.failure,
            counts(&self.trace.read),
            counts(&self.trace.written),
            self.before.lost(&self.after),
        )
    }
}

fn ask_all(client: &mut Client, stated: &[Observation]) -> BTreeMap<String, Answer> {
    let queries = stated.iter().filter_map(|one| match one {
        Observation::Breaks(query)
        | Observation::Works(query)
        | Observation::Opens(query)
        | Observation::Slows(query) => Some(query.clone()),
        _ => None,
    });
    queries.map(|query| (query.clone(), ask(client, &query))).collect()
}

fn sum_all(client: &mut Client, stated: &[Observation]) -> BTreeMap<String, Option<i64>> {
    let columns = stated.iter().filter_map(|one| match one {
        Observation::Changes(column) => Some(column.clone()),
        _ => None,
    });
    columns.map(|column| (column.clone(), checksum(client, &column))).collect()
}
