//! `review`: migrations of any program judged, with a database where one may be asked.
//!
//! Invariant: stdout holds the report and nothing else; what was assumed, left out or could not be known is said on stderr.

use std::collections::BTreeMap;
use std::fs;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use postgres::Client;

use super::open;
use crate::actions::world::APPLICATION;
use crate::cli::{self, DB_CHANGE, ReviewFormat};
use crate::failure::{Failure, Kind};
use crate::pg::url::{self, DatabaseUrl};
use crate::pg::{connect, migrations};
use crate::process::environment;
use crate::repo::git;
use crate::report::terminal::{WIDTH, data, page, print, stream, wrapped};
use crate::review::baseline::Baseline;
use crate::review::files::{self, Part, Wanted};
use crate::review::known::{self, Known};
use crate::review::{Asked, Day, Finding, Report, Set, Severity, Source, accept, comment, render};
use crate::workflow::model::Role;
use crate::workflow::{self, Loaded};

pub(super) fn review(asked: &cli::Review) -> Result<u8> {
    if let Some(name) = &asked.explain {
        data(&known::explain(name)?);
        return Ok(0);
    }
    if asked.list {
        data(&known::list());
        return Ok(0);
    }
    let here = open::here()?;
    let root = git::root(&here).unwrap_or_else(|_| here.clone());
    let loaded = workflow_of(&root)?;
    let paths = match (asked.paths.as_slice(), &asked.changed) {
        ([], None) => vec![folder_of(&root, loaded.as_ref())?],
        (paths, _) => paths.to_vec(),
    };
    let (parts, said) = files::choose(&Wanted { here: &here, paths: &paths, changed: asked.changed.as_deref() })?;
    said.iter().for_each(|line| note(line));
    let mut database = database(asked, loaded.as_ref())?;
    let rows = rows(loaded.as_ref(), database.is_some());
    // The end of the program takes it apart.
    let mut reviewed = ManuallyDrop::new(judge(parts, database.as_mut(), asked.pg_version, &rows, &here)?);
    let Reviewed { report, files, places } = &mut *reviewed;
    let today = Day::today();
    comment::accept(files.iter().enumerate(), &mut report.findings, &today);
    if let Some(loaded) = &loaded {
        let from_root: Vec<PathBuf> =
            places.iter().map(|path| path.strip_prefix(&root).unwrap_or(path).to_owned()).collect();
        accept::accept(loaded, &from_root, &mut report.findings, &today).iter().for_each(|line| note(line));
    }
    baseline(asked, &here, report, files)?;
    show(asked.format, report, files)?;
    if !report.has_open_errors() {
        return Ok(0);
    }
    if asked.format == ReviewFormat::Text {
        let errors: Vec<_> = report.open().filter(|finding| finding.severity == Severity::Error).collect();
        let count = errors.len();
        let message = format!("{count} error{} that nobody accepted", if count == 1 { "" } else { "s" });
        let failure = Failure::step(message);
        let id = errors.iter().map(|finding| finding.id).find(|id| known::ids().any(|known| known == *id));
        let hints = id.map(|id| {
            [
                format!("mend it, or accept it above its statement: `-- db-change: accept {id} reason=\"…\"`"),
                format!("what it is: cargo xtask review --explain {id}"),
            ]
        });
        print(&hints.into_iter().flatten().fold(failure, Failure::hint).render());
    }
    Ok(Kind::Step.exit_code())
}

fn note(line: &str) {
    print(&wrapped(&format!("review: {line}"), WIDTH, ""));
}

/// The workflow file of the repo, where there is one.
fn workflow_of(root: &Path) -> Result<Option<Loaded>> {
    let path = workflow::load::path_of(root, DB_CHANGE);
    if path.is_file() { open::current(root, DB_CHANGE).map(Some) } else { Ok(None) }
}

/// Where the migrations are when nobody says it.
fn folder_of(root: &Path, loaded: Option<&Loaded>) -> Result<PathBuf> {
    let in_package = |loaded: &Loaded| loaded.var("db_package").map(|package| Path::new(package).join("drizzle"));
    let folder =
        loaded.and_then(|loaded| loaded.var("migrations_dir").map(PathBuf::from).or_else(|| in_package(loaded)));
    folder.map(|folder| root.join(folder)).ok_or_else(|| {
        Failure::usage(match loaded {
            Some(_) => "nothing says what to review: `[vars]` of the workflow file has no `migrations_dir`",
            None => "nothing says what to review: there is no `workflows/db-change.toml`",
        })
        .hint("name files or folders: cargo xtask review db/migrations")
        .hint("or what your branch changes: cargo xtask review --changed origin/main...HEAD")
        .into()
    })
}

/// A database that may be asked, and what it is called.
struct Database {
    client: Client,
    name: String,
}

/// What was asked for by name; else production, where the workflow has one and its URL is there.
fn database(asked: &cli::Review, loaded: Option<&Loaded>) -> Result<Option<Database>> {
    let production = || {
        let mut targets = loaded?.workflow.target.iter().filter(|(_, target)| target.role == Role::Production);
        targets.find_map(|(name, target)| Some((environment::var(&target.url_env)?, name.clone())))
    };
    let (text, name) = match &asked.database_url {
        Some(text) => (text.clone(), None),
        None => match production() {
            Some((text, name)) => (text, Some(name)),
            None => return Ok(None),
        },
    };
    let url = url::parse(&text)?;
    let client = connect::connect_read_only(&url, APPLICATION)?;
    Ok(Some(Database { client, name: name.unwrap_or_else(|| called(&url)) }))
}

/// What the workflow file says of production's tables, where no database is asked.
fn rows(loaded: Option<&Loaded>, asked: bool) -> BTreeMap<String, i64> {
    let targets = loaded.filter(|_| !asked).into_iter().flat_map(|loaded| loaded.workflow.target.values());
    let production = targets.filter(|target| target.role == Role::Production).flat_map(|target| &target.rows);
    production.map(|(table, rows)| (table.clone(), i64::try_from(*rows).unwrap_or(i64::MAX))).collect()
}

/// `app on db.example.com`
fn called(url: &DatabaseUrl) -> String {
    if url.is_socket() { url.database.clone() } else { format!("{} on {}", url.database, url.host) }
}

/// What came out, for all parts; `places` are absolute.
struct Reviewed {
    report: Report,
    files: Vec<Source>,
    places: Vec<PathBuf>,
}

fn judge(
    parts: Vec<Part>,
    mut database: Option<&mut Database>,
    major: Option<u32>,
    rows: &BTreeMap<String, i64>,
    here: &Path,
) -> Result<Reviewed> {
    let mut all = Reviewed { report: Report::default(), files: Vec::new(), places: Vec::new() };
    for mut part in parts {
        if let Some(database) = database.as_deref_mut() {
            let rows = match part.is_drizzle() {
                true => migrations::applied(&mut database.client, "drizzle", "__drizzle_migrations")?,
                false => None,
            };
            part.leave_out(rows.as_deref(), &database.name, here).iter().for_each(|line| note(line));
        }
        if part.files.is_empty() {
            continue;
        }
        note(&part.words(here));
        let first = all.files.len();
        all.places.extend(part.paths().map(Path::to_owned));
        let set = Set { rows: rows.clone(), ..part.set(major) };
        let asked = database.as_deref_mut().map(|Database { client, name }| Asked {
            client,
            name: name.clone(),
            instead_of: None,
        });
        let mut report = crate::review::last_review(&set, asked);
        all.files.extend(set.files);
        report.findings.iter_mut().for_each(|finding| finding.file += first);
        if first == 0 {
            all.report.findings = report.findings;
        } else {
            all.report.findings.append(&mut report.findings);
        }
        all.report.statements.extend(report.statements);
        all.report.asking += report.asking;
    }
    all.report.asked = database.map(|database| database.name.clone());
    Ok(all)
}

fn baseline(asked: &cli::Review, here: &Path, report: &mut Report, files: &[Source]) -> Result<()> {
    let path = match (&asked.write_baseline, &asked.baseline) {
        (Some(path), _) => {
            write_baseline(&here.join(path), path, report, files)?;
            path
        }
        (None, Some(path)) => path,
        (None, None) => return Ok(()),
    };
    let place = path.display().to_string();
    let text = fs::read_to_string(here.join(path)).map_err(|error| {
        Failure::usage(format!("cannot read the baseline `{place}`: {error}"))
            .hint(format!("to begin one: cargo xtask review --write-baseline {place}"))
    })?;
    let more = Baseline::read(&text, &place)?.apply(&mut report.findings, files, &place);
    report.findings.extend(more);
    Finding::sort(&mut report.findings);
    Ok(())
}

/// A file that is there is only replaced where it is a baseline.
fn write_baseline(path: &Path, shown: &Path, report: &Report, files: &[Source]) -> Result<()> {
    let place = shown.display().to_string();
    if let Ok(text) = fs::read_to_string(path) {
        Baseline::read(&text, &place)?;
    }
    let text = Baseline::of(&report.findings, files).write();
    fs::write(path, &text).with_context(|| format!("writing `{place}`"))?;
    let count = text.lines().filter(|line| !line.starts_with('#')).count();
    note(&format!("{count} finding{} written to `{place}`", if count == 1 { "" } else { "s" }));
    Ok(())
}

fn show(format: ReviewFormat, report: &Report, files: &[Source]) -> Result<()> {
    match format {
        ReviewFormat::Text => page(&render::text(report, files)),
        ReviewFormat::Json => stream(|out| render::json(report, files, &Known, out)),
        ReviewFormat::Sarif => data(&render::sarif(report, files, &Known)?),
        ReviewFormat::Github => data(&render::github(report, files)),
    }
    Ok(())
}
