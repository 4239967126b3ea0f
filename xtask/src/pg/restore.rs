//! A dump back into a database, and the proof that everything is there.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use postgres::{Client, GenericClient};
use serde::{Deserialize, Serialize};

use super::backup::{self, Backup};
use super::checksum::{self, Checksums, Mapping, position};
use super::connect;
use super::error::Told;
use super::url::DatabaseUrl;
use crate::digest;
use crate::failure::Failure;
use crate::process::Run;
use crate::process::tools::Postgres;
use crate::sql::names::{TableName, quote};

/// Everything a person can make, outside of extensions: an empty database has none of it.
const OBJECTS: &str = "
select (select count(*) from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (select 1 from pg_catalog.pg_depend d where d.objid = c.oid and d.deptype = 'e'))
  + (select count(*) from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (select 1 from pg_catalog.pg_depend d where d.objid = p.oid and d.deptype = 'e'))
  + (select count(*) from pg_catalog.pg_namespace n where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'public'))";

/// What the comparison of a restored copy found to be equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    pub tables: usize,
    pub rows: i64,
    pub columns: usize,
    pub sequences: usize,
    /// Sequences that were in use during the dump: their restored value lies between the values before and after it.
    pub moving_sequences: Vec<String>,
    /// Tables in which a swap within one column may go unseen.
    pub without_key: Vec<TableName>,
}

/// Restores into an existing, empty database, then runs ANALYZE. Owners and privileges are left out. Returns the time of both.
///
/// Errors: the file is not the one that was dumped, the database is not empty (refused); pg_restore stopped (step), after which the database holds a part.
pub fn restore(
    file: &Path,
    sha256: &str,
    into: &DatabaseUrl,
    tools: &Postgres,
    jobs: usize,
    timeout: Duration,
) -> Result<Duration> {
    let found = digest::of_file(file)?;
    if found != sha256 {
        return Err(Failure::refused(format!("the backup is not the file that was written: {}", file.display()))
            .detail(format!("sha256 was {sha256}\nsha256 is  {found}"))
            .hint("take a new backup; this one is damaged or was replaced")
            .into());
    }
    let mut client = connect::connect(into, "db-change restore")?;
    let objects: i64 = client.query_one(OBJECTS, &[]).told("looking whether the database is empty")?.get(0);
    if objects > 0 {
        return Err(Failure::refused(format!(
            "the database is not empty, and nothing is restored over it: {}",
            into.display()
        ))
        .detail(format!("{objects} objects"))
        .hint("create an empty database, and restore there")
        .into());
    }
    let started = Instant::now();
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut run = Run::new(tools.tool("pg_restore"), folder).timeout(timeout);
    run = run.args(["--exit-on-error", "--no-owner", "--no-privileges", "--no-password"]);
    // As a connection string, because a plain name that holds `=` is taken for one; all else comes from the environment.
    run = run.arg(format!("--jobs={}", jobs.max(1))).arg(format!("--dbname=dbname={}", conninfo(&into.database)));
    run = run.arg(std::path::absolute(file)?);
    run.env = into.libpq_env();
    run.mask = into.mask();
    let output = run.run()?;
    if !output.success() {
        let mut failure = Failure::step(format!("pg_restore failed with exit code {}", output.code()))
            .detail(backup::said("pg_restore", &output.stderr));
        if output.stderr.contains("is not available") {
            failure = failure.hint("install the extension for the server's PostgreSQL (Debian: `apt-get install postgresql-<major>-<name>`)");
        }
        return Err(failure.into());
    }
    client.batch_execute("analyze").told("analyzing the restored database")?;
    Ok(started.elapsed())
}

/// Makes the roles that the dump's policies name, where they are missing; for throw-away servers.
pub fn create_roles(client: &mut Client, roles: &[String]) -> Result<()> {
    for role in roles {
        let there = client
            .query_opt("select 1 from pg_catalog.pg_roles where rolname = $1", &[role])
            .told("looking for a role")?;
        if there.is_none() {
            client.batch_execute(&format!("create role {} nologin", quote(role))).told("making a role")?;
        }
    }
    Ok(())
}

/// Compares a restored copy with what stood in the dump's snapshot; every difference is a failure.
pub fn prove(backup: &Backup, restored: &mut impl GenericClient) -> Result<Proof> {
    let found = checksum::take(restored, &backup.skipped)?;
    let rows_only = |sums: &Checksums| Checksums { tables: sums.tables.clone(), ..Checksums::default() };
    let mut differences = checksum::compare(&rows_only(&backup.checksums), &rows_only(&found), &Mapping::default())?;
    let moving_sequences = compare_sequences(backup, &found, &mut differences);
    let large_objects = backup::large_objects(restored)?;
    if large_objects != backup.large_objects {
        differences.push(format!("large objects: {} were dumped, {large_objects} are there", backup.large_objects));
    }
    if !differences.is_empty() {
        let failure =
            Failure::step(format!("the restored backup differs from the database in {} places", differences.len()));
        return Err(differences
            .iter()
            .take(50)
            .fold(failure, Failure::detail)
            .hint("take a new backup; this one proves nothing")
            .into());
    }
    Ok(Proof {
        tables: found.tables.len(),
        rows: found.rows(),
        columns: found.tables.values().map(|sum| sum.columns.len()).sum(),
        sequences: found.sequences.len(),
        moving_sequences,
        without_key: found.without_key().into_iter().cloned().collect(),
    })
}

/// Sequences are not part of a snapshot, so a restored one must lie between its values before and after the dump.
fn compare_sequences(backup: &Backup, found: &Checksums, differences: &mut Vec<String>) -> Vec<String> {
    let mut moving = Vec::new();
    for (name, &before) in &backup.checksums.sequences {
        let after = backup.sequences_after.get(name).copied().unwrap_or(before);
        match found.sequences.get(name) {
            None => differences.push(format!("sequence {name} is missing")),
            Some(&is) if is < before.min(after) || is > before.max(after) => {
                let (before, after, is) = (position(before), position(after), position(is));
                differences
                    .push(format!("sequence {name} was at {before} before and {after} after the dump, and is at {is}"));
            }
            Some(_) if before != after => moving.push(name.clone()),
            Some(_) => {}
        }
    }
    moving
}

fn conninfo(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}
