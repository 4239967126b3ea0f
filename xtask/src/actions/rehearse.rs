//! `rehearse`: the real `db:migrate` on the restored copy, and every untouched column equal before and after.
//! Before it, on another copy, each statement is tried by itself ([`super::trial`]).

use anyhow::{Context, Result};

use super::change::Change;
use super::generate::Migration;
use super::mapping::{mapping, retype};
use super::schema::history_of;
use super::shadow::Database;
use super::trial::{self, Attempt};
use super::world::World;
use crate::drizzle::migrate;
use crate::drizzle::recover::{self, Verdict};
use crate::engine::{Outcome, StepContext};
use crate::failure::{Failure, Kind};
use crate::numbers::thousands;
use crate::pg::checksum::{self, Checksums, Mapping, TableSum};
use crate::pg::fingerprint;
use crate::sql::TableName;
use crate::state::Evidence;

pub(super) fn rehearse(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let migration = Migration::of(context)?;
    let skip = [world.migrations_table()?];
    let sql = migration.sql()?;
    let mut mapping = mapping(&change, &sql);
    let before = world.clone_of_base(context)?;
    let mut client = world.connect(context, &before.name)?;
    retype(&mut client, &change, &sql, &mut mapping)?;
    let sums = checksum::take(&mut client, &skip)?;
    drop(client);
    world.drop_database(context, &before)?;
    let attempt = trial::attempt(world, context, &migration)?;
    attempt.tell(context);
    let copy = world.clone_of_source(context)?;
    let others = world.other_databases(world.source_name())?;
    for line in &others {
        context.note(line);
    }
    context.say(&format!("{} on the copy", world.shown("migrate")));
    let migrated = match world.migrate(context, world.work(&context.log)?, &copy.name) {
        Ok(migrated) => migrated,
        Err(error) => return failed(world, context, &copy, &attempt, error),
    };
    if !migrated.applied.contains(&migration.tag) {
        return Err(Failure::step(format!("`{}` was not applied to the copy", migration.tag))
            .detail(format!("applied: {}", migrated.applied.join(", ")))
            .into());
    }
    let mut client = world.connect(context, &copy.name)?;
    let now = checksum::take_after(&mut client, &skip, &sums, &mapping)?;
    let differences = checksum::compare(&sums, &now, &mapping)?;
    if !differences.is_empty() {
        return Err(Failure::step("the migration changes data that the change does not touch")
            .detail(differences.join("\n"))
            .hint("nothing real was changed; look at the SQL: cargo xtask db-change why review")
            .into());
    }
    if !migrated.rows.contains(&migration.row()) {
        return Err(Failure::step(format!("`{}` is not as it was generated and reviewed", migration.tag))
            .hint("run `cargo xtask db-change`: what was edited is reviewed anew")
            .into());
    }
    let print = fingerprint::take(&mut client, &world.portable()?)?.digest();
    drop(client);
    world.keep_as_rehearsed(context, &copy)?;
    world.drop_database(context, &copy)?;
    let columns = compared(&sums, &mapping);
    let number = migration.tag.split('_').next().unwrap_or_default();
    let synthetic = if change.applied { "synthetic " } else { "" };
    let mut words = match sums.rows() {
        0 => "no row there to compare".to_owned(),
        rows => format!("{} {synthetic}rows, 0 of {columns} columns changed", thousands(rows)),
    };
    let open = left_open(&mapping);
    if !open.is_empty() {
        words = format!("{words}; not compared: {}", open.join(", "));
    }
    // Steps that stand on the rehearsal stand on this content: another one is rehearsed, and proven, anew.
    let evidence = attempt.leave(
        Evidence::new(format!("{number} applied; {words}"))
            .proven("migration", migration.row())
            .proven("applied", migrated.applied.iter().cloned().map(Into::into).collect::<Vec<toml::Value>>())
            .proven("rows", migrated.rows.iter().cloned().map(Into::into).collect::<Vec<toml::Value>>())
            .proven("fingerprint", print)
            .info("other_databases", others.into_iter().map(Into::into).collect::<Vec<toml::Value>>())
            .info("rows", sums.rows())
            .info("columns", i64::try_from(columns)?)
            .info("seconds", migrated.seconds),
    );
    Ok(Outcome::Passed(evidence))
}

/// How many columns were compared with what they held.
fn compared(sums: &Checksums, mapping: &Mapping) -> usize {
    let of_table = |(table, sum): (&TableName, &TableSum)| {
        let gone = mapping.dropped_tables.contains(table) || mapping.rewritten_tables.contains(table);
        let open = |column: &&String| {
            let place = (table.clone(), (*column).clone());
            mapping.changed_columns.contains(&place) || mapping.dropped_columns.contains(&place)
        };
        if gone { 0 } else { sum.columns.keys().filter(|column| !open(column)).count() }
    };
    sums.tables.iter().map(of_table).sum()
}

/// What the change may turn into anything else: nobody has looked at these.
fn left_open(mapping: &Mapping) -> Vec<String> {
    let rows = mapping.rewritten_tables.iter().map(|table| format!("{table}.*"));
    rows.chain(mapping.changed_columns.iter().map(|(table, column)| format!("{table}.{column}"))).collect()
}

/// A migration that PostgreSQL refuses on this data is a question for a person; anything else is a plain failure.
fn failed(
    world: &World<'_>,
    context: &StepContext<'_>,
    copy: &Database,
    attempt: &Attempt,
    error: anyhow::Error,
) -> Result<Outcome> {
    if Failure::from_error(&error).kind != Kind::Step {
        return Err(error);
    }
    let (config, history) = history_of(world)?;
    let mut client = world.connect(context, &copy.name)?;
    let applied = migrate::applied(&mut client, &config)?;
    let pending = history.pending(&applied);
    let Verdict::Fails(found) = recover::explain(&mut client, &history, &pending, true)? else { return Err(error) };
    let mut failure = Failure::from_error(&error).detail("nothing real was changed: this was a copy");
    let mut evidence = Evidence::new(found.message.clone()).proven("sqlstate", found.sqlstate.clone());
    let mut issue = issue(&found.sqlstate).to_owned();
    let mut record = String::new();
    if let Some(at_fault) = &found.at_fault {
        issue = at_fault.to_string();
        evidence = evidence.proven("rows_at_fault", at_fault.rows).info("rows", at_fault.of);
        record = toml::to_string(at_fault).context("describing the rows at fault")?;
        failure =
            failure.hint(format!("see the values here: cargo xtask db-change logs {} --show-values", context.id()));
    }
    evidence = attempt.leave(evidence);
    context.folder.save_record(RECORD, &record)?;
    let values =
        vec![("error".to_owned(), format!("{} ({})", found.message, found.sqlstate)), ("issue".to_owned(), issue)];
    Ok(Outcome::Decide { values, details: Vec::new(), failure: Some(failure), evidence })
}

/// Where the question for the rows at fault is kept: names and counts, or nothing.
pub const RECORD: &str = "at-fault.toml";

/// PostgreSQL 15 docs, appendix A.
fn issue(sqlstate: &str) -> &'static str {
    match sqlstate {
        "23502" => "rows without a value where one is now required",
        "23503" => "rows that refer to rows which are not there",
        "23505" => "duplicate values where they must be unique",
        "23514" => "rows that break the new check",
        "22P02" | "22003" | "22001" | "42804" => "values that need a decision, because the new type cannot hold them",
        "55P03" | "40P01" => "a lock that another session holds",
        "42P01" | "42703" | "42P07" | "42701" => "a schema that is not the one the migration was written for",
        _ => "a statement that PostgreSQL refuses on this database",
    }
}
