//! The repo's `migrate` against one explicit database, proven by the rows of the migrations table.
//!
//! Invariant: drizzle-kit says "applied successfully" when it skips a migration and says nothing when one fails, so only the rows
//! count: each pending migration recorded once with the hash of its file, and all older rows as they were.

use anyhow::{Context, Result};
use postgres::Client;

use super::config::Config;
use super::history::History;
use super::journal::Entry;
use super::project::{Project, URL_NAME};
use super::recover::{self, Verdict};
use crate::failure::Failure;
use crate::pg::connect;
use crate::pg::migrations::{self, Applied};
use crate::pg::url::{self, DatabaseUrl};
use crate::process::rows::Rows;
use crate::process::{Output, escapes, refused_session};

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
    Ok(rows.unwrap_or_default())
}

/// Applies what is pending. `project.env` names the database ([`Project::reach`]); `client` is connected to the same one.
///
/// `proven`: the rows that this has to leave, where somebody has shown what their files do; with others nothing runs.
///
/// Errors: a migration that drizzle would skip (refused, before anything runs), one that fails (step, with SQLSTATE, file, line
/// and statement), or rows that do not prove it (step).
pub fn migrate(
    project: &Project,
    config: &Config,
    history: &History,
    client: &mut Client,
    proven: Option<&[String]>,
    on: On,
) -> Result<Migrated> {
    let url = project.env.get(URL_NAME).context("no database for the child that migrates")?;
    let url = url::exact(url)?;
    require_same(client, &url)?;
    config.require_place(&url, project.url_name())?;
    project.require(&project.kit.migrate, &project.kit.migrate_in)?;
    let before = applied(client, config)?;
    let pending = history.pending(&before);
    if let Some(skipped) = history.skipped(&before).first() {
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
        expected.push(history.row(entry)?);
    }
    let rows: Vec<String> =
        expected[before.len()..].iter().map(|row| format!("{} {}", row.hash, row.created_at)).collect();
    if let Some(proven) = proven.filter(|proven| **proven != *rows) {
        return Err(others(&pending, &rows, proven).into());
    }
    let output = project.command(&project.kit.migrate, &project.kit.migrate_in)?.run()?;
    let after = applied(client, config)?;
    let wrong = verdict(&before, &expected, &after).err();
    match wrong {
        None if output.success() => Ok(Migrated {
            applied: pending.iter().map(|entry| entry.tag.clone()).collect(),
            rows,
            seconds: output.duration.as_secs_f64(),
        }),
        None => Err(failed(&output, "every migration is recorded, and yet drizzle-kit failed").into()),
        Some(_) if migrations::agree(&before, &after) => {
            Err(explained(project, history, client, &pending, &output, on)?.into())
        }
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
    if migrations::agree(expected, after) {
        return Ok(());
    }
    if !after.get(..before.len()).is_some_and(|older| migrations::agree(before, older)) {
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
    history: &History,
    client: &mut Client,
    pending: &[&Entry],
    output: &Output,
    on: On,
) -> Result<Failure> {
    let (migrate, name) = (project.kit.migrate.shown(), project.url_name());
    if let Some(line) = refused_session(&output.stderr) {
        return Ok(Failure::refused("drizzle-kit was kept from another database than the one that is meant")
            .detail(line)
            .detail("nothing was applied")
            .hint(format!("see that `{migrate}` and the configuration take their database from `{name}`")));
    }
    Ok(match recover::explain(client, history, pending, on == On::Copy).context("asking the database why")? {
        Verdict::Fails(error) => {
            error.failure(&project.relative(&error.file)).detail("nothing was applied: drizzle rolled back")
        }
        Verdict::Succeeds if output.success() => {
            failed(output, "drizzle-kit reported success and applied nothing here")
                .hint(format!("see that `{migrate}` takes its database from `{name}`: it may have reached another one"))
        }
        Verdict::Succeeds => failed(output, "drizzle-kit failed, but the same statements succeed on our connection")
            .hint(format!("see that `{name}` reaches the database from a child process, and that `{migrate}` uses it")),
        Verdict::NotJudged(why) => match told(&format!("{}\n{}", output.stdout, output.stderr)) {
            Some(error) => {
                failed(output, &format!("drizzle-kit failed: {error}")).detail(format!("not run again: {why}"))
            }
            None => failed(output, &format!("drizzle-kit failed, and its reason was not found: {why}")),
        },
    })
}

/// PostgreSQL's error as drizzle-kit 1.x prints it (postgres.js: `PostgresError: …`, pg: `error: …`), without values.
fn told(text: &str) -> Option<String> {
    let text = escapes::plain(text);
    let (at, message) = text.lines().enumerate().find_map(|(at, line)| {
        let line = line.trim();
        Some((at, line.strip_prefix("PostgresError: ").or(line.strip_prefix("error: "))?))
    })?;
    let code = text.lines().skip(at).find_map(|line| line.trim().strip_prefix("code: '")?.split('\'').next())?;
    Some(format!("SQLSTATE {code}: {}", recover::without_values(code, message)))
}

fn failed(output: &Output, problem: &str) -> Failure {
    Failure::step(format!("the migration is not proven: {problem}"))
        .detail(format!("drizzle-kit ended with exit code {}", output.code()))
        .detail(without_details(&Rows::without(&escapes::plain(&output.tail(6)))))
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
        list.iter().map(|(hash, when)| Applied { hash: (*hash).to_owned(), created_at: *when, name: None }).collect()
    }

    #[test]
    fn only_the_expected_rows_prove_a_migration() {
        let (before, expected) = (rows(&[("a", 1)]), rows(&[("a", 1), ("b", 2)]));
        assert!(verdict(&before, &expected, &expected).is_ok());
        assert!(verdict(&before, &expected, &before).unwrap_err().contains("0 rows that were to be 1"));
        assert!(verdict(&before, &expected, &rows(&[("a", 1), ("x", 2)])).is_err());
        assert!(verdict(&before, &expected, &rows(&[("x", 1), ("b", 2)])).unwrap_err().contains("older rows"));
    }

    /// As drizzle-kit 1.0.0-rc.5 printed it, with postgres.js 3.4.9.
    const FAILED: &str = "[⣷] applying migrations...{
  severity: 'NOTICE',
  code: '42P06',
}
PostgresError: invalid input syntax for type integer: \"dup\"
    at ErrorResponse (file:///src/connection.js:815:30) {
  severity: 'ERROR',
  code: '22P02',
}
[✗] Error during migration:
Failed query: alter table users alter column name type integer using name::integer;
error: script \"db:migrate\" exited with code 1";

    #[test]
    fn the_error_that_drizzle_kit_prints_is_told_without_its_values() {
        let expected = "SQLSTATE 22P02: invalid input syntax for type integer: \"…\"";
        assert_eq!(told(FAILED).as_deref(), Some(expected));
        assert_eq!(told("[⣷] applying migrations...\nerror: script \"db:migrate\" exited with code 1"), None);
    }

    #[test]
    fn a_name_is_proven_where_the_migrator_writes_one_and_may_come_to_older_rows() {
        let named = |mut rows: Vec<Applied>, names: &[Option<&str>]| {
            rows.iter_mut().zip(names).for_each(|(row, name)| row.name = name.map(str::to_owned));
            rows
        };
        let all = || rows(&[("a", 1), ("b", 2)]);
        let (before, expected) = (rows(&[("a", 1)]), named(all(), &[None, Some("2_b")]));
        assert!(verdict(&before, &expected, &named(all(), &[Some("1_a"), Some("2_b")])).is_ok());
        assert!(verdict(&before, &expected, &named(all(), &[Some("1_a"), Some("2_c")])).is_err());
        assert!(verdict(&before, &expected, &all()).is_err());
    }
}
