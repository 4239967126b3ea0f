//! The trial inside `rehearse`: every pending statement once, in one transaction, on a copy of its own; what it shows counts
//! where the review said something else.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};

use super::contradiction::{self, Claim, Contradiction};
use super::generate::Migration;
use super::schema::history_of;
use super::world::World;
use crate::drizzle::migrate;
use crate::engine::StepContext;
use crate::numbers::thousands;
use crate::pg::lock_mode::Mode;
use crate::pg::trial::{self, Spilled, Trial, Tried};
use crate::pg::watch::Lock;
use crate::report::terminal::{cut, wrapped};
use crate::sql::{TableName, statements};
use crate::state::Evidence;
use crate::workflow::Lane;

pub(super) struct Attempt {
    trial: Trial,
    /// Of each record, its migration.
    tags: Vec<String>,
    /// `None`: the review left nothing to compare with.
    contradictions: Option<Vec<Contradiction>>,
    /// As a person types the migration's path.
    shown: String,
}

/// Tries what drizzle would run in its one transaction.
pub(super) fn attempt(world: &World<'_>, context: &StepContext<'_>, migration: &Migration) -> Result<Attempt> {
    let (config, history) = history_of(world)?;
    let copy = world.clone_of_source(context)?;
    context.say("each statement in a transaction of the copy that is rolled back");
    let spilled = Spilled::default();
    let mut client = world.listening(context, &copy.name, &spilled)?;
    let applied = migrate::applied(&mut client, &config)?;
    let (mut tags, mut statements) = (Vec::new(), Vec::new());
    for entry in history.pending(&applied) {
        let path = history.sql_path(entry);
        let sql = fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
        let of_file = sent(&sql);
        tags.extend(of_file.iter().map(|_| entry.tag.clone()));
        statements.extend(of_file);
    }
    let trial = trial::run(&mut client, &statements, &spilled)?;
    drop(client);
    world.drop_database(context, &copy)?;
    // What only COMMIT refuses is told as one more record.
    tags.resize(trial.statements.len(), migration.tag.clone());
    let of_run: Vec<Tried> = trial
        .statements
        .iter()
        .zip(&tags)
        .filter(|(_, tag)| **tag == migration.tag)
        .map(|(one, _)| one.clone())
        .collect();
    let claims = claims(context)?;
    let contradictions = claims.map(|claims| contradiction::between(&claims, &of_run));
    Ok(Attempt { trial, tags, contradictions, shown: migration.shown.clone() })
}

/// What the review said, where it passed and left it for programs.
fn claims(context: &StepContext<'_>) -> Result<Option<Vec<Claim>>> {
    let evidence = context.folder.evidence_if_any("review")?;
    let Some(claims) = evidence.and_then(|evidence| evidence.info.get("claims").cloned()) else { return Ok(None) };
    claims.try_into().map(Some).context("reading what the review said")
}

/// The statements of a file with their lines; where it cannot be read as SQL, what stands between the breakpoints.
fn sent(sql: &str) -> Vec<(usize, String)> {
    let parsed = statements::parse(sql);
    if parsed.errors.is_empty() {
        return parsed.statements.into_iter().map(|statement| (statement.line, statement.text)).collect();
    }
    let mut at = 0;
    let chunks = sql.split_inclusive("--> statement-breakpoint").map(|chunk| {
        let start = at + (chunk.len() - chunk.trim_start().len());
        at += chunk.len();
        (statements::position(sql, start).0, chunk.trim().to_owned())
    });
    chunks.filter(|(_, chunk)| !chunk.is_empty()).collect()
}

impl Attempt {
    /// Says what differs from the review. What is worse than said takes the run out of the lane that asks nothing.
    pub(super) fn tell(&self, context: &StepContext<'_>) {
        for line in self.lines() {
            // The display says "note" itself.
            context.note(line.strip_prefix("note ").unwrap_or(&line));
        }
        if let Some(worse) = self.contradictions.iter().flatten().find(|one| one.worse) {
            context.set_lane(Lane::Guarded, format!("the trial, which the review did not announce: {}", worse.seen));
        }
        if self.contradictions.is_none() {
            context.note("the trial was not held against the review, which left nothing to compare with");
        }
    }

    /// As the findings of the review read.
    fn lines(&self) -> Vec<String> {
        let line = |one: &Contradiction| {
            let severity = if one.worse { "warning" } else { "note" };
            let Contradiction { line, said, seen, .. } = one;
            format!("{severity} trial {seen} (the review said: {said}; the trial counts)   {}:{line}", self.shown)
        };
        self.contradictions.iter().flatten().map(line).collect()
    }

    /// Modes and rewrites are the same on every run; times, sizes and what depends on the server are only noted.
    pub(super) fn leave(&self, evidence: Evidence) -> Evidence {
        let records: Vec<toml::Value> =
            self.trial.statements.iter().zip(&self.tags).map(|(one, tag)| record(one, tag).into()).collect();
        let mut evidence = evidence
            .proven("locks", texts(self.strongest().iter().map(shown)))
            .proven("rewrote", texts(self.rewrote().iter().map(ToString::to_string)))
            .info("trial", records);
        if self.contradictions.is_some() {
            evidence = evidence.proven("contradictions", texts(self.lines()));
        }
        match &self.trial.event_trigger {
            Some(why) => evidence.info("event_trigger", why.clone()),
            None => evidence,
        }
    }

    /// On each table, over all statements.
    fn strongest(&self) -> Vec<Lock> {
        let mut found: Vec<Lock> = Vec::new();
        let standing = self.trial.statements.iter().flat_map(|one| &one.standing);
        let taken =
            standing.filter(|standing| standing.is_table && standing.before.is_none_or(|was| was < standing.after));
        for standing in taken.filter(|standing| standing.after >= Mode::RowExclusive) {
            match found.iter_mut().find(|lock| lock.relation == standing.relation) {
                Some(lock) => lock.mode = lock.mode.max(standing.after),
                None => found.push(Lock { relation: standing.relation.clone(), mode: standing.after }),
            }
        }
        found.sort();
        found
    }

    fn rewrote(&self) -> Vec<&TableName> {
        let mut found: Vec<&TableName> = self.trial.statements.iter().flat_map(tables_rewritten).collect();
        found.sort();
        found.dedup();
        found
    }
}

fn tables_rewritten(tried: &Tried) -> impl Iterator<Item = &TableName> {
    let tables = tried.standing.iter().filter(|standing| standing.is_table).map(|standing| &standing.relation);
    tables.filter(|table| tried.rewrote.contains(table))
}

fn texts(list: impl IntoIterator<Item = String>) -> Vec<toml::Value> {
    list.into_iter().map(Into::into).collect()
}

/// `AccessExclusiveLock users`
fn shown(lock: &Lock) -> String {
    format!("{} {}", lock.mode.name(), lock.relation)
}

fn record(tried: &Tried, tag: &str) -> toml::Table {
    let mut entry = toml::Table::new();
    let mut put = |name: &str, value: toml::Value| entry.insert(name.to_owned(), value);
    put("migration", tag.into());
    put("line", i64::try_from(tried.line).unwrap_or_default().into());
    put("statement", tried.statement.clone().into());
    put("milliseconds", tried.milliseconds.into());
    if let Some(refused) = &tried.refused {
        put("refused", refused.why.clone().into());
        if let Some(code) = &refused.sqlstate {
            put("sqlstate", code.clone().into());
        }
        return entry;
    }
    put("locks", texts(tried.locks.iter().map(shown)).into());
    put("held", texts(tried.held.iter().map(shown)).into());
    put("rewrote", texts(tried.rewrote.iter().map(ToString::to_string)).into());
    put("rewrite_reasons", texts(tried.reasons.iter().cloned()).into());
    let scanned: toml::Table =
        tried.scanned.iter().map(|(table, rows)| (table.to_string(), toml::Value::from(*rows))).collect();
    put("scanned", scanned.into());
    put("wal_bytes", tried.wal_bytes.into());
    put("temp_bytes", tried.temp_bytes.map_or_else(|| "not known".into(), toml::Value::from));
    entry
}

/// The records as a person reads them.
#[must_use]
pub fn page(records: &toml::Value, width: usize) -> String {
    let mut out = String::new();
    let records: Vec<&toml::Table> =
        records.as_array().into_iter().flatten().filter_map(toml::Value::as_table).collect();
    let mut migration = "";
    for record in records {
        let text = |name: &str| record.get(name).and_then(toml::Value::as_str).unwrap_or_default();
        if text("migration") != migration {
            migration = text("migration");
            let _ = writeln!(out, "{migration}");
        }
        let line = record.get("line").and_then(toml::Value::as_integer).unwrap_or_default();
        let start = format!("line {line:<4}");
        let indent = " ".repeat(start.len() + 2);
        let _ = writeln!(out, "{start}  {}", cut(text("statement"), width.saturating_sub(indent.len())));
        let mut row = indent.clone();
        for part in parts(record) {
            if row.chars().count() + part.chars().count() > width && row != indent {
                out.push_str(&folded(&row, width, &indent));
                row.clone_from(&indent);
            }
            row.push_str(&part);
            row.push_str("   ");
        }
        out.push_str(&folded(&row, width, &indent));
    }
    out
}

/// One part that is wider than a line is broken at its words.
fn folded(row: &str, width: usize, indent: &str) -> String {
    let row = row.trim_end();
    if row.chars().count() > width { wrapped(row, width, indent) } else { format!("{row}\n") }
}

fn parts(record: &toml::Table) -> Vec<String> {
    let list = |name: &str| -> Vec<&str> {
        record.get(name).and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_str).collect()
    };
    let number = |name: &str| record.get(name).and_then(toml::Value::as_integer);
    let milliseconds = record.get("milliseconds").and_then(toml::Value::as_float).unwrap_or_default();
    let time = if milliseconds < 10.0 { format!("{milliseconds:.1} ms") } else { format!("{milliseconds:.0} ms") };
    if let Some(refused) = record.get("refused").and_then(toml::Value::as_str) {
        return vec![format!("the trial ends here: {refused}"), time];
    }
    let mut parts = locks(&list("locks"));
    if parts.is_empty() {
        parts.push("no new lock".to_owned());
    }
    let reasons = list("rewrite_reasons");
    let why = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    let rewrote = list("rewrote");
    if !rewrote.is_empty() {
        parts.push(format!("rewrites {}{why}", few(&rewrote)));
    }
    let scanned = record.get("scanned").and_then(toml::Value::as_table).into_iter().flatten();
    parts
        .extend(scanned.map(|(table, rows)| {
            format!("reads {} rows of {table}", thousands(rows.as_integer().unwrap_or_default()))
        }));
    parts.push(time);
    parts.push(format!("WAL {}", size(number("wal_bytes").unwrap_or_default())));
    match number("temp_bytes") {
        Some(0) => {}
        Some(bytes) => parts.push(format!("temporary files {}", size(bytes))),
        None => parts.push("temporary files not known".to_owned()),
    }
    parts.extend(locks(&list("held")).iter().map(|lock| format!("meanwhile {lock}")));
    parts
}

/// `AccessExclusiveLock users, users_pkey`: the strongest of each relation, strongest first.
fn locks(list: &[&str]) -> Vec<String> {
    let mut strongest: BTreeMap<&str, Mode> = BTreeMap::new();
    for (mode, relation) in list.iter().filter_map(|lock| lock.split_once(' ')) {
        let Some(mode) = Mode::read(mode) else { continue };
        strongest.entry(relation).and_modify(|known| *known = mode.max(*known)).or_insert(mode);
    }
    let mut by_mode: BTreeMap<Mode, Vec<&str>> = BTreeMap::new();
    for (relation, mode) in strongest {
        by_mode.entry(mode).or_default().push(relation);
    }
    by_mode.iter().rev().map(|(mode, relations)| format!("{} {}", mode.name(), few(relations))).collect()
}

fn few(names: &[&str]) -> String {
    let more = names.len().saturating_sub(3);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// `1.2 MB`
fn size(bytes: i64) -> String {
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.0} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::trial::Refused;

    #[test]
    fn a_record_is_read_at_eighty_columns_and_what_is_not_known_is_said() {
        let name = |name: &str| TableName::new("public", name);
        let lock = |relation: &str, mode| Lock { relation: name(relation), mode };
        let indexes = ["users_by_the_time_they_came_idx", "users_pkey", "users_slug_idx"].map(name);
        let tried = Tried {
            line: 3,
            statement: "ALTER TABLE \"users\" ALTER COLUMN \"id\" SET DATA TYPE bigint USING '…'::bigint".to_owned(),
            milliseconds: 12.3,
            locks: vec![lock("users", Mode::Share), lock("users", Mode::AccessExclusive)],
            held: vec![lock("teams", Mode::ShareRowExclusive)],
            rewrote: [&[name("users")][..], &indexes].concat(),
            reasons: vec!["type".to_owned()],
            scanned: vec![(name("users"), 24_000)],
            wal_bytes: 1_230_000,
            ..Tried::default()
        };
        let why = "a constraint is broken (SQLSTATE 23505), table `a_table_with_a_long_name`, constraint `one_with_a_longer_name`";
        let refused = Some(Refused { sqlstate: Some("23505".to_owned()), why: why.to_owned() });
        let last = Tried { line: 4, statement: "COMMIT".to_owned(), refused, ..Tried::default() };
        let records = vec![toml::Value::from(record(&tried, "0007_a")), record(&last, "0007_a").into()];
        assert_eq!(
            page(&records.into(), 76).lines().collect::<Vec<_>>(),
            [
                "0007_a",
                "line 3     ALTER TABLE \"users\" ALTER COLUMN \"id\" SET DATA TYPE bigint USING…",
                "           AccessExclusiveLock users",
                "           rewrites users, users_by_the_time_they_came_idx, users_pkey and 1",
                "           more (type)",
                "           reads 24,000 rows of users   12 ms   WAL 1.2 MB",
                "           temporary files not known   meanwhile ShareRowExclusiveLock teams",
                "line 4     COMMIT",
                "           the trial ends here: a constraint is broken (SQLSTATE 23505),",
                "           table `a_table_with_a_long_name`, constraint",
                "           `one_with_a_longer_name`",
                "           0.0 ms",
            ]
        );
    }
}
