//! `db-change inventory`: a migrations folder judged as far as its place allows, in a repo, in CI or anywhere.
//!
//! Invariant: what cannot be looked at (no database, no bun, no config) makes its kinds not judged, by name and with the
//! reason; it neither stops the rest nor counts as fine. Nothing is written or fetched, and TypeScript sees no database.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::world::{APPLICATION, NOWHERE, World};
use crate::drizzle::inventory::{self, Findings, Folder, OF_DATABASE, OF_SCHEMA};
use crate::drizzle::journal::{self, Applied, Journal};
use crate::drizzle::layout::Layout;
use crate::drizzle::{Config, History, Project, Snapshot, config, folder_problems, schema, snapshot};
use crate::engine::Host;
use crate::failure::Failure;
use crate::pg::url::{self, DatabaseUrl};
use crate::pg::{connect, migrations};
use crate::process::environment;
use crate::process::tools::{self, Search};

/// What was found out, or why it was not.
type Judged<T> = std::result::Result<T, String>;

/// Where to look.
pub struct Place<'a> {
    /// The repo, or the current folder where there is none.
    pub root: &'a Path,
    /// The migrations folder, where a person named one; absolute.
    pub migrations: Option<PathBuf>,
    pub database_url: Option<&'a str>,
    /// Where bun may be.
    pub tools: Search,
    /// Of the repo with a workflow file.
    pub world: Option<&'a World<'a>>,
}

/// What was found.
pub struct Survey {
    /// The migrations folder, as a person at `root` names it.
    pub folder: String,
    pub migrations: Vec<String>,
    pub applied: Vec<Applied>,
    /// `None`: no database was asked.
    pub pending: Option<Vec<String>>,
    /// SQL files beside them that no entry of the journal names.
    pub unlisted: Vec<String>,
    /// Tables, and the schema files that hold them.
    pub tables: Option<(usize, usize)>,
    pub findings: Findings,
}

/// Errors: no migrations where they should be (usage), a journal that cannot be read, a database that was named and does not answer.
pub fn survey(place: &Place<'_>) -> Result<Survey> {
    let project = project(place);
    let config =
        project.as_ref().map_err(Clone::clone).and_then(|project| config::load(project).map_err(|error| said(&error)));
    let out = match (&place.migrations, &config) {
        (Some(folder), _) => folder.clone(),
        (None, Ok(config)) => config.out.clone(),
        (None, Err(_)) => usual(place)?,
    };
    let shown = out.strip_prefix(place.root).unwrap_or(&out).display().to_string();
    let config = config.and_then(|config| of_folder(config, &out, place.root));
    if out.is_dir() && Layout::of(&out)? == Layout::Folders {
        return folders(place, &project, &config, &out, shown);
    }
    // A config that names a folder which is not there yet is that of a new project.
    let journal = load(&out, &shown, config.is_err() || place.migrations.is_some())?;
    let folder = Folder { path: &out, shown: &shown };
    let mut found = Survey {
        migrations: journal.entries.iter().map(|entry| entry.tag.clone()).collect(),
        applied: Vec::new(),
        pending: None,
        unlisted: inventory::unlisted(&out, &journal.entries),
        tables: None,
        findings: inventory::of_files(folder, &journal),
        folder: shown.clone(),
    };
    match applied(place, config.as_ref().ok())? {
        Ok(rows) => {
            let applied: Vec<Applied> = rows.into_iter().map(|row| (row.hash, row.created_at)).collect();
            found.findings.problems.extend(inventory::of_rows(folder, &journal, &applied));
            let pending = journal::pending(&journal.entries, &applied);
            found.pending = Some(pending.into_iter().map(|entry| entry.tag.clone()).collect());
            found.applied = applied;
        }
        Err(reason) => found.findings.not_judged(OF_DATABASE, &reason),
    }
    match (&project, &config) {
        (Ok(project), Ok(config)) => {
            let newest = newest(&config.out, &journal, &found.findings);
            against_schema(project, config, newest, &mut found);
        }
        (Err(reason), _) | (_, Err(reason)) => found.findings.not_judged(OF_SCHEMA, reason),
    }
    Ok(found)
}

/// The layout of drizzle-kit 1.x: without a journal, nothing in it can be out of order or skipped.
fn folders(
    place: &Place<'_>,
    project: &Judged<Project>,
    config: &Judged<Config>,
    out: &Path,
    folder: String,
) -> Result<Survey> {
    let history = History::load(out)?;
    let mut found = Survey {
        migrations: history.entries.iter().map(|entry| entry.tag.clone()).collect(),
        applied: Vec::new(),
        pending: None,
        unlisted: Vec::new(),
        tables: None,
        findings: Findings::default(),
        folder,
    };
    let rows = match applied(place, config.as_ref().ok())? {
        Ok(rows) => {
            found.pending = Some(history.pending(&rows).into_iter().map(|entry| entry.tag.clone()).collect());
            found.applied = rows.iter().map(|row| (row.hash.clone(), row.created_at)).collect();
            rows
        }
        Err(reason) => {
            found.findings.not_judged(&["edited_after_apply"], &reason);
            Vec::new()
        }
    };
    found.findings.problems.extend(folder_problems::problems(&history, &rows));
    match (project, config) {
        (Ok(project), Ok(config)) => {
            let broken = !found.findings.problems.is_empty();
            let newest = if broken {
                Err("the migrations have problems of their own, so that none of them is surely the newest".to_owned())
            } else {
                history.latest(project).map_err(|error| said(&error))
            };
            against_schema(project, config, newest, &mut found);
        }
        (Err(reason), _) | (_, Err(reason)) => found.findings.not_judged(OF_SCHEMA, reason),
    }
    Ok(found)
}

fn said(error: &anyhow::Error) -> String {
    Failure::from_error(error).message
}

/// How bun is run in the package of these migrations; it is taken as it is on this machine.
fn project(place: &Place<'_>) -> Judged<Project> {
    let package = package(place)?;
    let bun = [place.root, &package].into_iter().find_map(|folder| tools::find_bun(&place.tools, Some(folder)));
    let bun =
        bun.ok_or("bun is neither on the PATH nor in `node_modules/.bin` nor in the cache: `cargo xtask doctor`")?;
    let mut project = Project::new(place.root, package, bun.path);
    project.timeout = Duration::from_secs(120);
    project.mask = place.world.map(Host::mask).unwrap_or_default();
    if let Some(world) = place.world {
        project.kit = world.kit(place.root, &project.package).map_err(|error| said(&error))?;
        project.url_names = world.url_names();
    }
    // The config may ask for it when it is read.
    project.reach(NOWHERE);
    Ok(project)
}

/// The folder with the `drizzle.config.ts`: what the workflow file says, else not far above the migrations.
fn package(place: &Place<'_>) -> Judged<PathBuf> {
    let above = |folder: &Path| {
        folder.ancestors().skip(1).take(3).find(|above| config::path(above).is_some()).map(Path::to_owned)
    };
    match (&place.migrations, place.world) {
        (Some(folder), _) => {
            above(folder).ok_or_else(|| "no `drizzle.config.ts` above the migrations folder".to_owned())
        }
        (None, Some(world)) => Ok(place.root.join(world.db_package().map_err(|error| said(&error))?)),
        (None, None) => Err("there is no workflow file".to_owned()),
    }
}

/// Where the migrations are when the config cannot be asked.
fn usual(place: &Place<'_>) -> Result<PathBuf> {
    let world = place.world.ok_or_else(|| Failure::usage("nothing says where the migrations are").hint(NAME_IT))?;
    let named = world.loaded.var("migrations_dir").map(|folder| place.root.join(folder));
    Ok(match named {
        Some(folder) => folder,
        None => place.root.join(world.db_package()?).join("drizzle"),
    })
}

/// What to type where the migrations are not found by themselves.
pub const NAME_IT: &str = "name the folder: cargo xtask db-change inventory --migrations DIR";

/// The config, if it is that of this folder.
fn of_folder(config: Config, out: &Path, root: &Path) -> Judged<Config> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if real(&config.out) == real(out) {
        return Ok(config);
    }
    let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    Err(format!("`{}` is of another migrations folder: `{}`", below(&config.path), below(&config.out)))
}

fn load(out: &Path, shown: &str, must_be: bool) -> Result<Journal> {
    if must_be && !out.is_dir() {
        return Err(Failure::usage(format!("`{shown}` is not a folder")).hint(NAME_IT).into());
    }
    let journal = journal::load(out)?;
    if must_be && !journal::path(out).is_file() {
        let mut failure = Failure::usage(format!("`{shown}` is not a migrations folder of drizzle-kit"))
            .detail(format!("looked for `{shown}/meta/_journal.json`, and for `{shown}/*/migration.sql`"));
        let pattern = format!("{}/*/meta/_journal.json", glob::Pattern::escape(&out.to_string_lossy()));
        let below = glob::glob(&pattern)?.flatten().find_map(|path| Some(path.ancestors().nth(2)?.to_owned()));
        let around = out.parent().filter(|above| journal::path(above).is_file()).map(Path::to_owned);
        if let Some(other) = below.or(around) {
            failure = failure.hint(format!("did you mean `{}`?", other.display()));
        }
        return Err(failure
            .hint("it is what `out` in drizzle.config.ts names, `drizzle` where it names nothing")
            .into());
    }
    if !["", "pg", "postgresql"].contains(&journal.dialect.as_str()) {
        let message = format!("the migrations in `{shown}` are not for PostgreSQL, but for: {}", journal.dialect);
        return Err(Failure::usage(message).into());
    }
    Ok(journal)
}

/// The rows of the migrations table, or why they are not known.
fn applied(place: &Place<'_>, config: Option<&Config>) -> Result<Judged<Vec<migrations::Applied>>> {
    let url = match database(place)? {
        Ok(url) => url,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut client = match connect::connect_read_only(&url, APPLICATION) {
        Ok(client) => client,
        Err(error) if place.database_url.is_some() => return Err(error),
        Err(error) => return Ok(Err(said(&error))),
    };
    let (schema, table, whose) = match config {
        Some(config) => (config.migrations_schema.as_str(), config.migrations_table.as_str(), "as the config says"),
        None => ("drizzle", "__drizzle_migrations", "the default: the config was not read"),
    };
    Ok(match migrations::applied(&mut client, schema, table) {
        Ok(Some(rows)) => Ok(rows),
        Ok(None) => Err(format!("there is no table `{schema}.{table}` ({whose}) in {}", url.display())),
        Err(error) => Err(said(&error)),
    })
}

fn database(place: &Place<'_>) -> Result<Judged<DatabaseUrl>> {
    if let Some(text) = place.database_url {
        return Ok(Ok(url::parse(text)?));
    }
    if let Some(world) = place.world {
        return Ok(world.url(world.source_name()).map_err(|error| said(&error)));
    }
    Ok(match environment::var("DATABASE_URL") {
        Some(text) => url::parse(&text).map_err(|error| said(&error)),
        None => Err("`DATABASE_URL` is not set".to_owned()),
    })
}

fn against_schema(project: &Project, config: &Config, newest: Judged<Snapshot>, found: &mut Survey) {
    let files = match schema::read(project, config, None) {
        Ok(files) => files,
        Err(error) => return found.findings.not_judged(OF_SCHEMA, &said(&error)),
    };
    found.tables = Some((files.snapshot.tables().len(), files.files.len()));
    match schema::not_exported(project, &files) {
        Ok(problems) => found.findings.problems.extend(problems),
        Err(error) => found.findings.not_judged(&["table_not_exported"], &said(&error)),
    }
    match newest {
        Ok(newest) => found.findings.problems.extend(inventory::schema_without_migration(&newest, &files.snapshot)),
        Err(reason) => found.findings.not_judged(&["schema_without_migration"], &reason),
    }
}

/// The newest snapshot that there is; a migration written by hand may have none.
fn newest(out: &Path, journal: &Journal, findings: &Findings) -> Judged<Snapshot> {
    if findings.has(&["duplicate_index", "missing_snapshot", "branched_snapshots"]) {
        return Err("the snapshots have problems of their own, so that none of them is surely the newest".to_owned());
    }
    if findings.not_judged.iter().any(|kind| kind.kind == "branched_snapshots") {
        return Err("there is no chain of snapshots, so that none of them is surely the newest".to_owned());
    }
    let mut paths = journal.entries.iter().rev().map(|entry| journal::snapshot_path(out, entry));
    match paths.find(|path| path.is_file()) {
        Some(path) => snapshot::load(&path)
            .map_err(|error| format!("{}; `bunx drizzle-kit up` brings old snapshots up to date", said(&error))),
        None if journal.entries.is_empty() => Ok(Snapshot::empty()),
        None => Err("there is no snapshot".to_owned()),
    }
}
