//! A data folder made by `initdb` once and copied for every server: initdb takes most of the time that a server needs.
//!
//! Invariant: a template appears in the cache whole (built beside, then renamed) and no server ever runs on it.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::digest;
use crate::failure::Failure;
use crate::process::account::{self, Account};
use crate::process::tools::Postgres;
use crate::process::{Run, cache as cached, places};

/// Trust is only what initdb itself needs: it starts no listener, and `HBA` replaces the file before a server runs.
const INITDB: &[&str] = &["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];

/// The socket lies in a folder of mode 0700, so whoever reaches it is us; over TCP only the password counts.
const HBA: &str = "\
local all all trust
host all all 127.0.0.1/32 scram-sha-256
";

/// A data folder to copy.
#[derive(Debug)]
pub struct Template {
    path: PathBuf,
    /// Relative, each after the one that it lies in.
    folders: Vec<PathBuf>,
    files: Vec<PathBuf>,
    pub bytes: u64,
}

/// The template for these programs, from the cache or made now.
pub fn prepare(tools: &Postgres, account: Option<&Account>, cache: &Path) -> Result<Template> {
    let path = cache.join(format!("data-{}-{}", tools.major, key(tools)?));
    if !path.join("PG_VERSION").is_file() {
        build(tools, account, cache, &path)?;
    }
    places::ensure(&path, 0o700)?;
    let mut template = Template { path, folders: Vec::new(), files: Vec::new(), bytes: 0 };
    template.list(Path::new("")).with_context(|| format!("reading `{}`", template.path.display()))?;
    Ok(template)
}

/// Two builds of one version may differ in block size or libraries, and an upgrade keeps the place: both count.
fn key(tools: &Postgres) -> Result<String> {
    let postgres = tools.tool("postgres");
    let found = postgres.metadata().with_context(|| format!("reading `{}`", postgres.display()))?;
    let file = format!("{} {} {}", postgres.display(), found.len(), found.mtime());
    let all = format!("{}\n{file}\n{INITDB:?}\n{HBA}", tools.version);
    Ok(digest::of(all)[..16].to_owned())
}

fn build(tools: &Postgres, account: Option<&Account>, cache: &Path, target: &Path) -> Result<()> {
    account::check_may_run(account, &tools.tool("postgres"))?;
    let work = cached::building(cache)?;
    if let Some(account) = account {
        chown(work.path(), Some(account.uid), Some(account.gid)).context("giving a folder to the server's user")?;
    }
    let data = work.path().join("data");
    let mut initdb = Run::new(tools.tool("initdb"), work.path())
        .args(INITDB.iter().copied())
        .arg("-D")
        .arg(&data)
        .env("LC_ALL", "C")
        .timeout(Duration::from_secs(300));
    initdb.user = account.map(Account::ids);
    let output = initdb.run()?;
    if !output.success() {
        return Err(Failure::environment(format!("initdb failed with exit code {}", output.code()))
            .detail(output.tail(15))
            .hint("run `cargo xtask doctor` to see which PostgreSQL is used")
            .into());
    }
    std::fs::write(data.join("pg_hba.conf"), HBA).context("writing pg_hba.conf")?;
    if account.is_some() {
        // From here on the server's user, who may be anybody's `nobody`, cannot change what later servers start from.
        let ours = places::user_id();
        chown(work.path(), Some(ours), None)?;
        chown(&data, Some(ours), None)?;
    }
    cached::put_in_place(&data, target, || target.join("PG_VERSION").is_file())
}

impl Template {
    fn list(&mut self, folder: &Path) -> std::io::Result<()> {
        for entry in std::fs::read_dir(self.path.join(folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                self.folders.push(path.clone());
                self.list(&path)?;
            } else {
                self.bytes += entry.metadata()?.len();
                self.files.push(path);
            }
        }
        Ok(())
    }

    /// Copies it to `to`, as a data folder of `account`.
    pub fn copy(&self, to: &Path, account: Option<&Account>) -> std::io::Result<()> {
        let give = |path: &Path| account.map_or(Ok(()), |account| chown(path, Some(account.uid), Some(account.gid)));
        for folder in std::iter::once(Path::new("")).chain(self.folders.iter().map(PathBuf::as_path)) {
            let folder = to.join(folder);
            DirBuilder::new().mode(0o700).create(&folder)?;
            give(&folder)?;
        }
        let copy_some = |files: &[PathBuf]| {
            files.iter().try_for_each(|file| {
                let target = to.join(file);
                std::fs::copy(self.path.join(file), &target)?;
                give(&target)
            })
        };
        // A thousand small files: the time goes into making them, so a few threads help.
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
        std::thread::scope(|scope| {
            let parts = self.files.chunks(self.files.len().div_ceil(threads).max(1));
            let running: Vec<_> = parts.map(|part| scope.spawn(|| copy_some(part))).collect();
            let died = || std::io::Error::other("a copying thread died");
            running.into_iter().try_for_each(|thread| thread.join().map_err(|_| died())?)
        })
    }
}
