//! Finding the programs that we need: told, installed, on PATH, or fetched once into our cache.
//!
//! Invariant: a PostgreSQL folder counts only with all five programs and a `postgres` that answers `--version`, so nothing
//! later stops half-way for want of `pg_restore`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::{Run, environment, fetch, places};
use crate::failure::Failure;

/// What a PostgreSQL folder must hold.
pub const POSTGRES_PROGRAMS: [&str; 5] = ["initdb", "postgres", "psql", "pg_dump", "pg_restore"];

/// Where package managers put complete installations: Debian and PGDG, Red Hat, Homebrew, Postgres.app.
const INSTALLED: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// A program that answered `--version`.
#[derive(Clone, Debug)]
pub struct Tool {
    pub name: String,
    pub path: PathBuf,
    pub version: String,
    /// `PATH`, `node_modules/.bin`, `cache`.
    pub found_in: String,
}

/// A complete set of PostgreSQL programs of one version.
#[derive(Clone, Debug)]
pub struct Postgres {
    pub bin: PathBuf,
    /// As the server says it: `15.18`.
    pub version: String,
    pub major: u32,
    /// `PG_BIN`, `pg_bin`, `system`, `PATH`, `cache`.
    pub found_in: String,
}

impl Postgres {
    #[must_use]
    pub fn tool(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

/// What the workflow asks for.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub pg_bin: Option<PathBuf>,
    /// The target's major version; without it the newest installed one is taken.
    pub major: Option<u32>,
}

/// Where to look; [`Search::here`] is this machine, tests narrow it.
#[derive(Clone, Debug)]
pub struct Search {
    /// The value of `PG_BIN`.
    pub pg_bin: Option<PathBuf>,
    /// Glob patterns of installed `bin` folders.
    pub installed: Vec<String>,
    pub path: String,
    pub cache: PathBuf,
}

impl Search {
    #[must_use]
    pub fn here() -> Self {
        Search {
            pg_bin: environment::var("PG_BIN").map(PathBuf::from),
            installed: INSTALLED.iter().map(|&pattern| pattern.to_owned()).collect(),
            path: environment::var("PATH").unwrap_or_default(),
            cache: places::cache(),
        }
    }
}

/// PostgreSQL's programs, fetched into the cache when none of the wanted major (or a newer one) is installed.
pub fn postgres(wanted: &Wanted) -> Result<Postgres> {
    postgres_in(&Search::here(), wanted)
}

/// As [`postgres`], within given places.
pub fn postgres_in(search: &Search, wanted: &Wanted) -> Result<Postgres> {
    let found = find_postgres(search, wanted)?;
    if let Some(found) = &found
        && (told(search, wanted).is_some() || wanted.major.is_none_or(|major| found.major >= major))
    {
        return Ok(found.clone());
    }
    // pg_dump refuses a server newer than itself, so an older installation is only the last resort.
    match (fetch::postgres(&search.cache), found) {
        (Ok(bin), found) => match (probe(&bin, "cache"), found) {
            (Some(fetched), Some(found)) if found.major > fetched.major => Ok(found),
            (Some(fetched), _) => Ok(fetched),
            (None, Some(found)) => Ok(found),
            (None, None) => {
                Err(Failure::environment(format!("the fetched PostgreSQL does not run here: `{}`", bin.display()))
                    .hint(fetch::INSTALL_POSTGRES)
                    .into())
            }
        },
        (Err(_), Some(found)) => Ok(found),
        (Err(error), None) => Err(error),
    }
}

/// PostgreSQL's programs as far as they are on this machine already: never fetches.
///
/// Errors: `PG_BIN` or the workflow's `pg_bin` names a folder that is not complete.
pub fn find_postgres(search: &Search, wanted: &Wanted) -> Result<Option<Postgres>> {
    if let Some((folder, name)) = told(search, wanted) {
        return complete(folder, name).map(Some);
    }
    Ok(choose(installed(search), wanted.major))
}

fn told<'a>(search: &'a Search, wanted: &'a Wanted) -> Option<(&'a Path, &'static str)> {
    let from_environment = search.pg_bin.as_deref().map(|folder| (folder, "PG_BIN"));
    from_environment.or_else(|| wanted.pg_bin.as_deref().map(|folder| (folder, "pg_bin")))
}

fn complete(folder: &Path, name: &str) -> Result<Postgres> {
    let wrong = |message: String| {
        let hint = format!("set `{name}` to a folder with {}, or unset it to search", POSTGRES_PROGRAMS.join(", "));
        Failure::environment(message).hint(hint)
    };
    let missing = missing_programs(folder);
    if !missing.is_empty() {
        let missing = missing.iter().map(|program| format!("`{program}`")).collect::<Vec<_>>().join(", ");
        return Err(wrong(format!("`{name}` lacks {missing}: {}", folder.display())).into());
    }
    Ok(probe(folder, name).ok_or_else(|| {
        wrong(format!("the `postgres` in `{name}` does not answer `--version`: {}", folder.display()))
    })?)
}

/// All complete installations, in the order of places; within one place the newest first.
fn installed(search: &Search) -> Vec<Postgres> {
    let matches = search.installed.iter().filter_map(|pattern| glob::glob(pattern).ok()).flatten().flatten();
    let mut found: Vec<Postgres> = matches.filter_map(|folder| probe(&folder, "system")).collect();
    found.sort_by_key(|postgres| std::cmp::Reverse(postgres.major));
    let on_path = std::env::split_paths(&search.path).filter(|folder| folder.is_absolute());
    found.extend(on_path.filter_map(|folder| probe(&folder, "PATH")));
    found.extend(fetch::cached_postgres(&search.cache).and_then(|folder| probe(&folder, "cache")));
    found
}

/// The wanted major, else the next newer one, else the newest there is; without a wish the first.
fn choose(found: Vec<Postgres>, major: Option<u32>) -> Option<Postgres> {
    let Some(major) = major else { return found.into_iter().next() };
    let newer = found.iter().filter(|postgres| postgres.major >= major).min_by_key(|postgres| postgres.major).cloned();
    newer.or_else(|| found.into_iter().max_by_key(|postgres| postgres.major))
}

/// Which of the five programs `folder` lacks.
#[must_use]
pub fn missing_programs(folder: &Path) -> Vec<&'static str> {
    POSTGRES_PROGRAMS.into_iter().filter(|program| !is_program(&folder.join(program))).collect()
}

fn probe(folder: &Path, found_in: &str) -> Option<Postgres> {
    if !missing_programs(folder).is_empty() {
        return None;
    }
    // `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `postgres (PostgreSQL) 19beta1`
    let line = version_line(&folder.join("postgres"))?;
    let version = line.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?.to_owned();
    let major = version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    Some(Postgres { bin: folder.to_owned(), version, major, found_in: found_in.to_owned() })
}

/// bun: on PATH, in the repository's `node_modules/.bin`, else fetched into the cache.
pub fn bun(repo: Option<&Path>) -> Result<Tool> {
    let search = Search::here();
    find_bun(&search, repo).map_or_else(|| fetch_bun(&search, repo), Ok)
}

/// bun as far as it is on this machine already. A placeholder (npm leaves one when install scripts are off) does not count.
#[must_use]
pub fn find_bun(search: &Search, repo: Option<&Path>) -> Option<Tool> {
    let on_path =
        std::env::split_paths(&search.path).filter(|folder| folder.is_absolute()).map(|folder| (folder, "PATH"));
    let local = repo.map(|repo| (repo.join("node_modules/.bin"), "node_modules/.bin"));
    let cached = fetch::cached_bun(&search.cache).map(|folder| (folder, "cache"));
    on_path.chain(local).chain(cached).find_map(|(folder, found_in)| {
        let path = folder.join("bun");
        let version = is_program(&path).then(|| version_line(&path))??;
        Some(Tool { name: "bun".to_owned(), path, version, found_in: found_in.to_owned() })
    })
}

fn fetch_bun(search: &Search, repo: Option<&Path>) -> Result<Tool> {
    let path = fetch::bun(&search.cache, repo)?.join("bun");
    let version = version_line(&path).ok_or_else(|| {
        Failure::environment(format!("the fetched bun does not run here: `{}`", path.display()))
            .hint(fetch::INSTALL_BUN)
    })?;
    Ok(Tool { name: "bun".to_owned(), path, version, found_in: "cache".to_owned() })
}

/// The first program of this name on PATH.
#[must_use]
pub fn on_path(name: &str) -> Option<PathBuf> {
    let path = environment::var("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|p| is_program(p))
}

/// The value of PATH for a child that shall find `tool_dirs` first.
#[must_use]
pub fn path_with(tool_dirs: &[&Path]) -> String {
    let ours = tool_dirs.iter().map(|folder| folder.to_string_lossy().into_owned());
    ours.chain(environment::var("PATH")).collect::<Vec<_>>().join(":")
}

/// The first line of `program --version`; nothing when it cannot be run or fails.
#[must_use]
pub fn version_line(program: &Path) -> Option<String> {
    let output = Run::new(program, "/").arg("--version").timeout(Duration::from_secs(20)).run().ok()?;
    let line = output.stdout.lines().next()?.trim().to_owned();
    (output.success() && !line.is_empty()).then_some(line)
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
#[path = "tools_tests.rs"]
mod tests;
