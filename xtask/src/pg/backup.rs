//! A backup that can be held to account: dumped from one exported snapshot, with the checksums of that same snapshot beside it.
//!
//! Compressed custom format only: a truncated plain dump restores without an error, and so does a cut file of an uncompressed one (measured).
//! The file appears under its name only when it is complete and on disk; it and its folder are for the user alone.

use std::fs::{self, DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use postgres::{Client, GenericClient, IsolationLevel};
use serde::{Deserialize, Serialize};

use super::checksum::{self, Checksums};
use super::connect::{self, Identity};
use super::error::Told;
use super::url::DatabaseUrl;
use crate::digest;
use crate::failure::{Failure, Kind};
use crate::process::tools::Postgres;
use crate::process::{Log, Run};
use crate::sql::names::TableName;

/// What the names of unfinished dumps begin with.
pub const PARTIAL: &str = ".partial-";

/// What to dump, and where to.
#[derive(Clone, Debug)]
pub struct Dump<'a> {
    pub source: &'a DatabaseUrl,
    pub tools: &'a Postgres,
    /// Made with mode 0700.
    pub folder: &'a Path,
    /// File name without its ending.
    pub name: &'a str,
    /// Tables whose rows are dumped but not compared.
    pub skip: &'a [TableName],
    pub timeout: Duration,
    pub log: Option<Log>,
}

/// A finished dump with what is needed to judge a restored copy of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    pub file: PathBuf,
    pub bytes: u64,
    /// Of the file, in hexadecimal.
    pub sha256: String,
    pub dump_seconds: f64,
    /// Seconds since 1970: when the snapshot was taken.
    pub taken_at: u64,
    pub identity: Identity,
    /// Version of pg_dump.
    pub client_version: String,
    pub database_bytes: u64,
    pub checksums: Checksums,
    /// The sequences once the dump was done: they do not stand still with the snapshot.
    pub sequences_after: std::collections::BTreeMap<String, (i64, bool)>,
    pub large_objects: i64,
    /// Roles that policies name: without them the dump cannot be restored elsewhere.
    pub roles: Vec<String>,
    pub skipped: Vec<TableName>,
}

/// Takes the dump. Errors: a client older than the server, too little room, a file of that name (environment, refused); pg_dump failing (step).
pub fn dump(wanted: &Dump) -> Result<Backup> {
    let mut client = connect::connect(wanted.source, "db-change backup")?;
    let identity = connect::identity(&mut client)?;
    check_version(wanted.tools, &identity)?;
    let file = prepare(wanted)?;
    let database_bytes = check_room(&mut client, wanted.folder)?;
    let partial =
        tempfile::Builder::new().prefix(PARTIAL).tempfile_in(wanted.folder).context("making the backup's file")?;

    // The dump runs while this session waits for it.
    client
        .batch_execute("set statement_timeout = 0; set idle_in_transaction_session_timeout = 0")
        .told("settings for the backup")?;
    let transaction =
        client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true).start();
    let mut transaction = transaction.told("opening the backup's snapshot")?;
    let snapshot: String =
        transaction.query_one("select pg_catalog.pg_export_snapshot()", &[]).told("exporting the snapshot")?.get(0);
    let taken_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let run = pg_dump(wanted, &snapshot, partial.path());
    let started = Instant::now();
    let (dumped, checksums) = std::thread::scope(|scope| {
        let dumped = scope.spawn(|| run.run());
        let checksums = checksum::take(&mut transaction, wanted.skip);
        (dumped.join(), checksums)
    });
    let dump_seconds = started.elapsed().as_secs_f64();
    let output = dumped.map_err(|_| anyhow::anyhow!("the thread that ran pg_dump panicked"))??;
    if !output.success() {
        // Where the server went away, our own session says so more clearly than pg_dump.
        let session =
            checksums.and_then(|_| large_objects(&mut transaction)).map_err(|error| Failure::from_error(&error));
        if let Some(gone) = session.err().filter(|failure| failure.kind == Kind::Environment) {
            return Err(gone.into());
        }
        // A session that is open may outlive its server for a moment; no new one begins there.
        if let Err(gone) = connect::connect(wanted.source, "db-change backup") {
            let gone = Failure::from_error(&gone);
            return Err(gone.hint("see that the server is up, then go on: cargo xtask db-change").into());
        }
        return Err(Failure::step(format!("pg_dump failed with exit code {}", output.code()))
            .detail(said("pg_dump", &output.stderr))
            .into());
    }
    let checksums = checksums?;
    let large_objects = large_objects(&mut transaction)?;
    let roles = roles(&mut transaction)?;
    transaction.rollback().told("closing the backup's snapshot")?;
    let sequences_after = checksum::sequences(&mut client, wanted.skip)?;

    let bytes = partial.as_file().metadata().context("looking at the backup's file")?.len();
    if bytes == 0 {
        return Err(Failure::step("pg_dump ended without an error and wrote nothing").into());
    }
    partial.as_file().sync_all().context("writing the backup to disk")?;
    let sha256 = digest::of_file(partial.path())?;
    partial.persist_noclobber(&file).with_context(|| format!("naming the backup `{}`", file.display()))?;
    sync_folder(wanted.folder)?;
    let (client_version, skipped) = (wanted.tools.version.clone(), wanted.skip.to_vec());
    Ok(Backup {
        file,
        bytes,
        sha256,
        dump_seconds,
        taken_at,
        identity,
        client_version,
        database_bytes,
        checksums,
        sequences_after,
        large_objects,
        roles,
        skipped,
    })
}

/// pg_dump and pg_restore print rows in DETAIL, CONTEXT and after `COPY failed`; what names objects is kept.
pub(super) fn said(program: &str, stderr: &str) -> String {
    let wanted = |line: &&str| line.contains(": error:") || line.contains(": fatal:") || line.contains("not available");
    let cut = |line: &str| match line.split_once(": ERROR:") {
        Some((start, _)) if start.contains("COPY failed") => start.to_owned(),
        _ => line.to_owned(),
    };
    let lines: Vec<String> = stderr.lines().filter(wanted).take(10).map(cut).collect();
    if lines.is_empty() {
        format!("{program} said nothing that names the cause; see its log")
    } else {
        lines.join("\n")
    }
}

fn pg_dump(wanted: &Dump, snapshot: &str, file: &Path) -> Run {
    let mut run = Run::new(wanted.tools.tool("pg_dump"), wanted.folder).timeout(wanted.timeout);
    run = run.args(["--format=custom", "--compress=1", "--no-password", "--lock-wait-timeout=30000"]);
    run = run.arg(format!("--snapshot={snapshot}")).arg("--file").arg(file);
    run.env = wanted.source.libpq_env();
    run.mask = wanted.source.mask();
    run.log = wanted.log.clone();
    run
}

fn check_version(tools: &Postgres, identity: &Identity) -> Result<()> {
    if tools.major >= identity.major {
        return Ok(());
    }
    Err(Failure::environment(format!(
        "pg_dump {} is older than the server, which is {}",
        tools.version, identity.server_version
    ))
    .detail(format!("found in {}", tools.bin.display()))
    .hint(format!("install PostgreSQL {} or newer, and name its `bin` folder in `PG_BIN`", identity.major))
    .into())
}

fn prepare(wanted: &Dump) -> Result<PathBuf> {
    if wanted.name.is_empty() || wanted.name.contains(['/', '\0']) || wanted.name.starts_with('.') {
        return Err(Failure::usage(format!("a backup cannot have this name: {}", wanted.name)).into());
    }
    let folder = wanted.folder;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(|| format!("making `{}`", folder.display()))?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
        .with_context(|| format!("closing `{}` to others", folder.display()))?;
    let file = folder.join(format!("{}.dump", wanted.name));
    if file.exists() {
        return Err(Failure::refused(format!(
            "a backup of this name is there already, and is not overwritten: {}",
            file.display()
        ))
        .into());
    }
    Ok(file)
}

/// The tables without their indexes bound a compressed dump from above.
fn check_room(client: &mut Client, folder: &Path) -> Result<u64> {
    let row = client.query_one(
        "select coalesce(sum(pg_catalog.pg_table_size(oid)), 0)::bigint, pg_catalog.pg_database_size(pg_catalog.current_database())
         from pg_catalog.pg_class where relkind in ('r', 'm')",
        &[],
    );
    let row = row.told("asking for the size of the database")?;
    let (tables, database): (i64, i64) = (row.get(0), row.get(1));
    let needed = u64::try_from(tables).unwrap_or_default();
    let disk =
        rustix::fs::statvfs(folder).with_context(|| format!("asking for the free space of `{}`", folder.display()))?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free < needed {
        let mb = |bytes: u64| bytes.div_ceil(1 << 20);
        return Err(Failure::environment(format!("too little room for a backup in {}", folder.display()))
            .detail(format!("free: {} MB, tables: {} MB", mb(free), mb(needed)))
            .hint("make room, or choose another folder for backups")
            .into());
    }
    Ok(u64::try_from(database).unwrap_or_default())
}

pub(super) fn large_objects(client: &mut impl GenericClient) -> Result<i64> {
    Ok(client
        .query_one("select count(*) from pg_catalog.pg_largeobject_metadata", &[])
        .told("counting large objects")?
        .get(0))
}

fn roles(client: &mut impl GenericClient) -> Result<Vec<String>> {
    let sql = "select distinct r.rolname::text from pg_catalog.pg_policy p join pg_catalog.pg_roles r on r.oid = any (p.polroles) order by 1";
    Ok(client.query(sql, &[]).told("listing the roles that policies name")?.iter().map(|row| row.get(0)).collect())
}

fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("writing `{}` to disk", folder.display()))
}

#[cfg(test)]
#[path = "backup_tests.rs"]
mod tests;
