//! `bun run db:migrate` against one explicit database, proven by the rows of the migrations table.
//!
//! Invariant: drizzle-kit says "applied successfully" when it skips a migration and says nothing when one fails, so only the rows
//! count: each pending migration recorded once with the hash of its file, and all older rows as they were.

use std::path::Path;

use anyhow::{Context, Result};
use postgres::Client;

use super::config::Config;
use super::journal::{self, Applied, Entry, Journal};
use super::project::Project;
use super::recover::{self, Verdict};
use crate::failure::Failure;
use crate::pg::url::{self, DatabaseUrl};
use crate::pg::{connect, migrations};
use crate::process::{Output, refused_session};

/// What was applied.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Migrated {
    /// Tags, in order; empty when nothing was pending.
    pub applied: Vec<String>,
    /// Hash and time of each, as they stand in the migrations table now.
    pub rows: Vec<String>,
    /// Wall time, the start of bun and drizzle-kit included.
    pub seconds: f64,
}

/// What kind of database is migrated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// A throw-away one.
    Copy,
    Real,
}

/// The rows of the migrations table, in the order in which they were written; none where the table does not exist.
pub fn applied(client: &mut Client, config: &Config) -> Result<Vec<Applied>> {
    let rows = migrations::applied(client, &config.migrations_schema, &config.migrations_table)?;
    Ok(rows.unwrap_or_default().into_iter().map(|row| (row.hash, row.created_at)).collect())
}

/// Applies what is pending. `project.env` names the database in `DATABASE_URL`; `client` is connected to the same one.
///
/// `proven`: the rows that this has to leave, where somebody has shown what their files do; with others nothing runs.
///
/// Errors: a migration that drizzle would skip (refused, before anything runs), one that fails (step, with SQLSTATE, file, line
/// and statement), or rows that do not prove it (step).
pub fn migrate(
    project: &Project,
    config: &Config,
    journal: &Journal,
    out: &Path,
    client: &mut Client,
    proven: Option<&[String]>,
    on: On,
) -> Result<Migrated> {
    let url = project.env.get("DATABASE_URL").context("no DATABASE_URL for the child that migrates")?;
    let url = url::exact(url)?;
    require_same(client, &url)?;
    config.require_place(&url)?;
    project.require_script(&project.package, "db:migrate")?;
    let before = applied(client, config)?;
    let pending = journal::pending(&journal.entries, &before);
    if let Some(skipped) = journal::skipped(&journal.entries, &before).first() {
        return Err(Failure::refused(format!(
            "drizzle would skip `{}`: the database has a newer migration",
            skipped.tag
        ))
        .hint("remove it and generate it again, so that it becomes the newest")
        .into());
    }
    // Hashes are taken first: a file that changes while it is applied proves nothing.
    let mut expected = before.clone();
    for entry in &pending {
        expected.push((journal::hash(out, entry)?, entry.when));
    }
    let rows: Vec<String> = expected[before.len()..].iter().map(|(hash, when)| format!("{hash} {when}")).collect();
    if let Some(proven) = proven.filter(|proven| **proven != *rows) {
        return Err(others(&pending, &rows, proven).into());
    }
    let output = project.bun(&["run", "db:migrate"]).run()?;
    let after = applied(client, config)?;
    let wrong = verdict(&before, &expected, &after).err();
    match wrong {
        None if output.success() => Ok(Migrated {
            applied: pending.iter().map(|entry| entry.tag.clone()).collect(),
            rows,
            seconds: output.duration.as_secs_f64(),
        }),
        None => Err(failed(&output, "every migration is recorded, and yet drizzle-kit failed").into()),
        Some(_) if after == before => Err(explained(project, out, client, &pending, &output, on)?.into()),
        Some(problem) => Err(failed(&output, &problem)
            .hint("look into the migrations table before anything else runs on this database")
            .hint("a file that was edited while it was applied is told by this too: compare it, and take it back by its rollback")
            .into()),
    }
}

/// The session that judges must be of the database that the child is sent to.
fn require_same(client: &mut Client, url: &DatabaseUrl) -> Result<()> {
    let found = connect::identity(client)?.database;
    if found == url.database {
        return Ok(());
    }
    anyhow::bail!("the child would migrate `{}`, and we are connected to `{found}`", url.database)
}

/// Files that are not those that were shown.
fn others(pending: &[&Entry], rows: &[String], proven: &[String]) -> Failure {
    let new: Vec<&str> = pending
        .iter()
        .zip(rows)
        .filter(|(_, row)| !proven.contains(row))
        .map(|(entry, _)| entry.tag.as_str())
        .collect();
    let what = if new.is_empty() {
        "there are fewer of them".to_owned()
    } else {
        format!("changed since: {}", new.join(", "))
    };
    Failure::refused("the pending migrations are not those that were rehearsed")
        .detail(what)
        .detail("nothing was applied")
        .hint("run `cargo xtask db-change`: what was edited is reviewed and rehearsed anew")
}

/// Whether the rows are the older ones and one for each pending migration, and nothing else.
fn verdict(before: &[Applied], expected: &[Applied], after: &[Applied]) -> std::result::Result<(), String> {
    if after == expected {
        return Ok(());
    }
    if after.get(..before.len()) != Some(before) {
        return Err("older rows of the migrations table changed".to_owned());
    }
    let (got, wanted) = (after.len() - before.len(), expected.len() - before.len());
    Err(format!(
        "the migrations table gained {got} rows that were to be {wanted}, or their hashes differ from the files"
    ))
}

/// Nothing was recorded: drizzle rolled back, or never began.
fn explained(
    project: &Project,
    out: &Path,
    client: &mut Client,
    pending: &[&Entry],
    output: &Output,
    on: On,
) -> Result<Failure> {
    if let Some(line) = refused_session(&output.stderr) {
        return Ok(Failure::refused("drizzle-kit was kept from another database than the one that is meant")
            .detail(line)
            .detail("nothing was applied")
            .hint("see that `db:migrate` and `drizzle.config.ts` take their database from `DATABASE_URL`"));
    }
    Ok(match recover::explain(client, out, pending, on == On::Copy).context("asking the database why")? {
        Verdict::Fails(error) => {
            error.failure(&project.relative(&error.file)).detail("nothing was applied: drizzle rolled back")
        }
        Verdict::Succeeds if output.success() => {
            failed(output, "drizzle-kit reported success and applied nothing here")
                .hint("see that `db:migrate` takes its database from `DATABASE_URL`: it may have reached another one")
        }
        Verdict::Succeeds => failed(output, "drizzle-kit failed, but the same statements succeed on our connection")
            .hint("see that `DATABASE_URL` reaches the database from a child process, and that `db:migrate` uses it"),
        Verdict::NotJudged(why) => failed(output, &format!("drizzle-kit failed, and its reason was not found: {why}")),
    })
}

fn failed(output: &Output, problem: &str) -> Failure {
    Failure::step(format!("the migration is not proven: {problem}"))
        .detail(format!("drizzle-kit ended with exit code {}", output.code()))
        .detail(without_details(&super::prompt::plain(&output.tail(6))))
}

/// What drizzle-kit printed, without the lines in which PostgreSQL and postgres.js quote rows.
fn without_details(text: &str) -> String {
    let quotes_rows = |line: &&str| {
        let line = line.to_lowercase();
        !["detail", "key (", "failing row", "parameters", "params"].iter().any(|word| line.contains(word))
    };
    text.lines().filter(quotes_rows).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(list: &[(&str, i64)]) -> Vec<Applied> {
        list.iter().map(|(hash, when)| ((*hash).to_owned(), *when)).collect()
    }

    #[test]
    fn only_the_expected_rows_prove_a_migration() {
        let (before, expected) = (rows(&[("a", 1)]), rows(&[("a", 1), ("b", 2)]));
        assert!(verdict(&before, &expected, &expected).is_ok());
        assert!(verdict(&before, &expected, &before).unwrap_err().contains("0 rows that were to be 1"));
        assert!(verdict(&before, &expected, &rows(&[("a", 1), ("x", 2)])).is_err());
        assert!(verdict(&before, &expected, &rows(&[("x", 1), ("b", 2)])).unwrap_err().contains("older rows"));
    }
}
