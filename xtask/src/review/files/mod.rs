//! Which files are reviewed, and as which program runs them: paths, folders, globs or a git range become [`Set`]s.
//!
//! `runner` tells the program from the layout, `marks` what a file says to it, `find` where the files are, `history` what Drizzle knows of
//! them. Invariant: no file that was named is left out, and none is read otherwise than from the text that is run.

mod find;
mod history;
mod marks;
mod runner;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Result;

use find::{Found, How};
pub use runner::Runner;

use super::set::{Before, Set, Source};
use crate::drizzle::history::History;
use crate::failure::Failure;

/// What a person asks for.
pub struct Wanted<'a> {
    /// Paths count from here and are shown so.
    pub here: &'a Path,
    pub paths: &'a [PathBuf],
    pub changed: Option<&'a str>,
}

/// Files that belong together: of one program, in the order in which it runs them.
pub struct Part {
    pub runner: Runner,
    /// The folder with the whole history.
    pub home: PathBuf,
    pub files: Vec<Picked>,
    history: Option<History>,
    /// Whether a database said that none of them has run.
    pending: bool,
}

pub struct Picked {
    path: PathBuf,
    how: How,
    /// Whether its text is not what the work tree holds.
    elsewhere: bool,
    source: Source,
}

/// The files in parts, and what should be said of them.
///
/// Errors (usage): nothing there, or not readable.
pub fn choose(wanted: &Wanted<'_>) -> Result<(Vec<Part>, Vec<String>)> {
    let here = wanted.here;
    let found = match wanted.changed {
        Some(range) => find::changed(here, range, wanted.paths)?,
        None => find::find(here, wanted.paths)?,
    };
    let mut parts: Vec<Part> = Vec::new();
    for Found { path, how, text } in found {
        let shown = shown(&path, here);
        let elsewhere = text.is_some();
        let whole = match text {
            Some(text) => text,
            None => find::read(&path, &shown)?,
        };
        let runner = Runner::of(&path, &whole);
        if how != How::Named && runner::is_down(&path) {
            continue;
        }
        let picked = Picked { source: source(runner, &path, shown, &whole), path, how, elsewhere };
        put(&mut parts, runner, picked);
    }
    let mut said = Vec::new();
    let elsewhere = parts.iter().flat_map(|part| &part.files).filter(|file| file.elsewhere).count();
    if elsewhere > 0 {
        said.push(format!(
            "the work tree does not hold {elsewhere} of the files as they are there: layout and files before are the work tree's"
        ));
    }
    let mut aside = Vec::new();
    for part in &mut parts {
        match part.runner {
            Runner::Drizzle => aside.extend(history::sort(part, here)?),
            Runner::Prisma => provider(&part.home, here)?,
            _ => {}
        }
        // What a person runs by hand runs in the order of the words.
        if !matches!(part.runner, Runner::Drizzle | Runner::Psql) {
            let runner = part.runner;
            part.files.sort_by_key(|file| runner.key(&file.path));
        }
    }
    let (named, unlisted): (Vec<Picked>, Vec<Picked>) = aside.into_iter().partition(|file| file.how == How::Named);
    let strays: Vec<String> = unlisted.iter().filter(|file| !file.is_companion()).map(Picked::shown).collect();
    if !strays.is_empty() {
        said.push(format!("in no journal of Drizzle's, never applied and not reviewed: {}", strays.join(", ")));
    }
    for mut file in named {
        said.push(format!("{} is in no journal of Drizzle's: taken as psql runs it", file.shown()));
        let text = std::mem::take(&mut file.source.text);
        file.source = source(Runner::Psql, &file.path, file.source.path, &text);
        put(&mut parts, Runner::Psql, file);
    }
    parts.retain(|part| !part.files.is_empty());
    if parts.is_empty() {
        return Err(none(wanted).into());
    }
    Ok((parts, said))
}

fn none(wanted: &Wanted<'_>) -> Failure {
    match wanted.changed {
        Some(range) => Failure::usage(format!("nothing to review: `{range}` adds or changes no SQL file that is run"))
            .hint("in CI, run this only where SQL files change (GitHub Actions: `on.pull_request.paths`)"),
        None => Failure::usage("nothing to review: no file there is one that a migration runs")
            .hint("files that take a change back, and those in no journal, are reviewed when they are named"),
    }
}

fn put(parts: &mut Vec<Part>, runner: Runner, picked: Picked) {
    let home = runner.home(&picked.path);
    // Flyway has one history over all its folders, and a person one over all words.
    let one = matches!(runner, Runner::Flyway | Runner::Psql);
    match parts.iter_mut().find(|part| part.runner == runner && (one || part.home == home)) {
        Some(part) => part.files.push(picked),
        None => parts.push(Part { runner, home, files: vec![picked], history: None, pending: false }),
    }
}

fn source(runner: Runner, path: &Path, shown: PathBuf, whole: &str) -> Source {
    let text = text(runner, whole);
    Source { path: shown, transaction: runner.transaction(path, whole, &text), text }
}

/// As the program reads it.
fn text(runner: Runner, whole: &str) -> String {
    match runner {
        Runner::Goose => marks::goose_up(whole),
        Runner::Dbmate => marks::dbmate_up(whole),
        Runner::Psql => marks::psql(&marks::unmarked(whole)),
        Runner::Flyway => marks::unmarked(whole),
        _ => whole.to_owned(),
    }
}

/// A folder of Prisma's says which database it is for.
fn provider(home: &Path, here: &Path) -> Result<()> {
    let text = std::fs::read_to_string(home.join("migration_lock.toml")).unwrap_or_default();
    let said: toml::Table = text.parse().unwrap_or_default();
    match said.get("provider").and_then(toml::Value::as_str) {
        None | Some("postgresql" | "postgres") => Ok(()),
        Some(other) => Err(history::other_database(home, here, other).into()),
    }
}

/// As a person in this folder would type it.
fn shown(path: &Path, here: &Path) -> PathBuf {
    let inside = path.strip_prefix(here).map(Path::to_owned);
    inside.unwrap_or_else(|_| {
        let Ok(outside) = path.strip_prefix(here.parent().unwrap_or(here)) else { return path.to_owned() };
        Path::new("..").join(outside)
    })
}

impl Picked {
    fn name(&self) -> String {
        format!("`{}`", runner::name_of(&self.source.path))
    }

    fn shown(&self) -> String {
        format!("`{}`", self.source.path.display())
    }

    /// Whether it stands beside a migration of Drizzle's, and is none.
    fn is_companion(&self) -> bool {
        let name = runner::name_of(&self.path);
        name.starts_with("rollback") || name.ends_with(".online.sql") || name.ends_with(".cleanup.sql")
    }
}

impl Part {
    /// `db/migrations: goose: each file in a transaction, …`
    #[must_use]
    pub fn words(&self, here: &Path) -> String {
        match self.runner {
            Runner::Flyway | Runner::Psql => self.runner.words().to_owned(),
            runner => format!("{}: {}", shown(&self.home, here).display(), runner.words()),
        }
    }

    /// Absolute, in the order of the set.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    #[must_use]
    pub fn is_drizzle(&self) -> bool {
        self.history.is_some()
    }

    /// As the review takes it.
    #[must_use]
    pub fn set(self, major: Option<u32>) -> Set {
        let before = self.before();
        let files = self.files.into_iter().map(|file| file.source).collect();
        Set { files, before, pending: self.pending, major, ..Set::default() }
    }

    /// What ran before the first of them, where the names tell.
    fn before(&self) -> Before {
        let Some(first) = self.files.first() else { return Before::Unknown };
        if let Some(history) = &self.history {
            return history::before(history, first);
        }
        let key = self.runner.key(&first.path);
        // Names that nobody numbered say nothing of an order.
        if self.runner == Runner::Psql && !key.1.starts_with(|c: char| c.is_ascii_digit()) {
            return Before::Unknown;
        }
        let home = self.runner.home(&first.path);
        let reviewed: HashSet<&Path> = self.paths().collect();
        let is_earlier = |path: &PathBuf| {
            let same_home = self.runner == Runner::Flyway || self.runner.home(path) == home;
            same_home && !runner::is_down(path) && self.runner.key(path) < key && !reviewed.contains(path.as_path())
        };
        let mut earlier: Vec<PathBuf> = find::walk(&home).unwrap_or_default().into_iter().filter(is_earlier).collect();
        earlier.sort_by_key(|path| self.runner.key(path));
        let texts = earlier.iter().filter_map(|path| find::read(path, path).ok());
        Before::Files(texts.map(|whole| text(self.runner, &whole)).collect())
    }
}
