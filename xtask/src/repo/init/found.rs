//! What an existing repo has: looked for in lock files, manifests, scripts, the evaluated configuration and parsed sources.
//!
//! Invariant: what is not found is said with what follows from it; nothing is taken for granted in its place.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use anyhow::Result;
use regex::Regex;

use super::packages::{self, Manager, Package, counted, in_words, shown};
use super::scripts::{self, Way};
use super::suites::{self, Tests};
use super::surroundings::{self, Surroundings};
use crate::code::imports::{self, Graph};
use crate::drizzle::layout::Layout;
use crate::drizzle::{self, Config, History, Project, config, schema};
use crate::failure::Failure;
use crate::process::tools;

/// Everything that the files of an adoption are written from; paths are relative to the root.
pub struct Found {
    pub root: PathBuf,
    /// The repo's name, as a crate may be called.
    pub name: String,
    pub manager: Manager,
    pub db: PathBuf,
    /// Where drizzle-kit runs, and its configuration.
    pub kit: PathBuf,
    pub config: Config,
    pub history: History,
    pub generate: Way,
    pub migrate: Way,
    pub url_name: String,
    pub schema_glob: String,
    pub tests: Tests,
    pub around: Surroundings,
    pub report: Report,
}

/// What is told about it, in order.
#[derive(Default)]
pub struct Report {
    /// What, its value, how that is known.
    pub found: Vec<(String, String)>,
    /// What is not there, and what follows.
    pub missing: Vec<(String, String)>,
}

impl Report {
    pub fn found(&mut self, what: &str, value: impl Into<String>) {
        self.found.push((what.to_owned(), value.into()));
    }

    pub fn missing(&mut self, what: &str, follows: impl Into<String>) {
        self.missing.push((what.to_owned(), follows.into()));
    }
}

/// Looks at the repo; `chosen` is the configuration to take where there are several.
///
/// Errors: no manifest or lock file, packages not installed, no configuration of Drizzle for PostgreSQL or several, one that
/// cannot be evaluated, a migrations folder that cannot be read.
pub fn look(root: &Path, chosen: Option<&Path>) -> Result<Found> {
    let mut report = Report::default();
    let (manager, lock) = Manager::of(root)?;
    report.found("package manager", format!("{} ({lock})", manager.name()));
    let packages = packages::all(root)?;
    let names: Vec<String> = packages.iter().skip(1).map(Package::shown).collect();
    report.found("workspaces", if names.is_empty() { "none: one package".to_owned() } else { names.join(", ") });
    let bun = tools::bun(Some(root))?.path;

    let made = scripts::direct(&packages, "generate");
    let file = configuration(root, &packages, &made, chosen)?;
    let home = file.parent().unwrap_or(Path::new("")).to_owned();
    let maker = made.iter().filter(|script| script.config.as_ref().is_none_or(|config| *config == file));
    // The script of the configuration's own folder before one that leads there.
    let maker = maker.min_by_key(|script| (script.kit != home && script.config.is_none(), script.chained)).cloned();
    let maker = maker.filter(|script| script.kit == home || script.config.is_some());
    let kit = maker.as_ref().map_or_else(|| home.clone(), |script| script.kit.clone());
    let db = package_of(&packages, &file);
    if !installed(root, &db) {
        let install = manager.install();
        return Err(Failure::environment(
            "the packages are not installed, and the configuration is a program that needs them",
        )
        .hint(format!("in {}: {install}", root.display()))
        .into());
    }

    let candidates = url_candidates(root, &packages, &db)?;
    let mut project = Project::new(root, root.join(&db), &bun);
    project.kit.folder = root.join(&kit);
    project.kit.config = Some(root.join(&file));
    project.env = candidates.iter().map(|name| (name.clone(), config::marked(name))).collect();
    let config = config::load(&project)?;
    let history = History::load(&config.out)?;
    let files = schema::read(&project, &config, None)?;
    let layout = match history.layout {
        Layout::Journal => format!("prefix `{}`", config.prefix),
        Layout::Folders => "folders of drizzle-kit 1.x".to_owned(),
    };
    let out = relative(root, &config.out);
    report.found("database package", format!("{} {}", shown(&db), named(&packages, &db)).trim_end().to_owned());
    report.found("configuration", format!("{}, evaluated in {}", file.display(), in_words(&kit)));
    report.found("migrations", format!("{}: {} so far, {}", shown(&out), history.entries.len(), layout));
    report.found("recorded in", format!("{}.{}", config.migrations_schema, config.migrations_table));

    let graph = imports::build(root)?;
    let named_config = if usual_config(&kit, &file) { None } else { Some(file.as_path()) };
    let config_from_kit = named_config.map(|path| path.strip_prefix(&kit).unwrap_or(path));
    let generate = scripts::generate(manager, maker.as_ref(), &kit, config_from_kit);
    let migrate = migrate(root, manager, &packages, &kit, config_from_kit, &mut report);
    report.found("generate", format!("{}   ({})", generate.command, generate.how));
    report.found("migrate", format!("{}   ({})", migrate.command, migrate.how));
    terminals(&packages, &generate, &mut report);
    if config.prefix == "none" && history.layout == Layout::Journal {
        report.missing(
            "a prefix of tags",
            "with `prefix: \"none\"` drizzle-kit keeps one snapshot for all migrations, and none of the state before a new one: \
             a run stops at `generate`; set another prefix in the configuration",
        );
    }
    let (url_name, how) = url_name(root, &packages, &db, &project, &config, &candidates)?;
    match how {
        Some(how) => report.found("url of the database", format!("{url_name}   ({how})")),
        None => report.missing("the name of the url", format!("{url_name} is taken: see `url_env` of `[target.dev]`")),
    }

    let schema_glob = schema_glob(&graph, &db, &files.files);
    report.found("schema", format!("{schema_glob}: {}", counted(files.snapshot.tables().len(), "table")));
    let tests = suites::look(root, manager, &packages, &db, &graph, &files.files, &mut report)?;
    let around = surroundings::look(root, manager, &packages, &db, &graph, &mut report)?;
    let name = crate_name(root, packages.first());
    Ok(Found {
        root: root.to_owned(),
        name,
        manager,
        db,
        kit,
        config,
        history,
        generate,
        migrate,
        url_name,
        schema_glob,
        tests,
        around,
        report,
    })
}

/// `./x` of a folder, both from the root.
pub(super) fn joined(folder: &Path, path: &str) -> PathBuf {
    folder.join(path).components().fold(PathBuf::new(), |mut out, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
        out
    })
}

pub(super) fn relative(root: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).to_owned()
}

/// The package that a file lies in.
fn package_of(packages: &[Package], file: &Path) -> PathBuf {
    let around = packages.iter().map(|package| &package.folder).filter(|folder| file.starts_with(folder));
    around.max_by_key(|folder| folder.components().count()).cloned().unwrap_or_default()
}

fn named(packages: &[Package], folder: &Path) -> String {
    packages
        .iter()
        .find(|package| package.folder == folder)
        .map_or_else(String::new, |package| package.name().to_owned())
}

fn usual_config(kit: &Path, file: &Path) -> bool {
    let usual = config::NAMES.iter().map(|name| kit.join(name));
    usual.into_iter().any(|path| path == file)
}

/// The one configuration of Drizzle: chosen, named by a script, or the only one there is.
fn configuration(
    root: &Path,
    packages: &[Package],
    made: &[scripts::Direct],
    chosen: Option<&Path>,
) -> Result<PathBuf> {
    if let Some(chosen) = chosen {
        let file = relative(root, chosen);
        if root.join(&file).is_file() {
            return Ok(file);
        }
        return Err(Failure::usage(format!("there is no `{}`", file.display())).hint("name a file of the repo").into());
    }
    let is_config = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let parts: Vec<&str> = name.split('.').collect();
        parts.len() >= 3 && parts[0].starts_with("drizzle") && parts[parts.len() - 2] == "config"
    };
    let mut all: BTreeSet<PathBuf> =
        packages.iter().flat_map(|package| &package.sources).filter(|file| is_config(file)).cloned().collect();
    all.extend(
        packages
            .iter()
            .map(|package| package.folder.join("drizzle.config.json"))
            .filter(|file| root.join(file).is_file()),
    );
    let named: BTreeSet<PathBuf> =
        made.iter().filter_map(|script| script.config.clone()).filter(|file| root.join(file).is_file()).collect();
    let usual = |all: &BTreeSet<PathBuf>| {
        all.iter().filter(|file| config::NAMES.iter().any(|name| file.ends_with(name))).cloned().collect::<Vec<_>>()
    };
    let candidates: Vec<PathBuf> =
        if named.is_empty() { all.iter().cloned().collect() } else { named.into_iter().collect() };
    match (candidates.as_slice(), usual(&all).as_slice()) {
        ([one], _) | (_, [one]) => Ok(one.clone()),
        ([], _) => Err(Failure::usage(format!("no configuration of Drizzle in `{}`", root.display()))
            .detail("looked for `drizzle.config.ts` and the like in the root and in every workspace")
            .hint("write one, or name it: cargo xtask init DIR --config FILE")
            .into()),
        (several, _) => Err(Failure::usage("there are several configurations of Drizzle")
            .detail(several.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join("\n"))
            .hint("say which database this is for: cargo xtask init DIR --config FILE")
            .into()),
    }
}

fn installed(root: &Path, db: &Path) -> bool {
    let above = db.ancestors().map(|folder| root.join(folder).join("node_modules"));
    above.into_iter().any(|folder| folder.join("drizzle-orm").exists() || folder.join("drizzle-kit").exists())
}

fn migrate(
    root: &Path,
    manager: Manager,
    packages: &[Package],
    kit: &Path,
    config: Option<&Path>,
    report: &mut Report,
) -> Way {
    let direct = scripts::direct(packages, "migrate");
    let script = direct.iter().filter(|script| script.kit == *kit).min_by_key(|script| script.folder != *kit);
    if let Some(script) = script {
        return Way {
            command: manager.run(&script.name, ""),
            folder: script.folder.clone(),
            how: format!("`{}` of {}", script.name, in_words(&script.folder)),
        };
    }
    if let Some((folder, name, file)) = scripts::own_migrator(root, packages) {
        report
            .found("own migrator", format!("{}: it has to use the table that the configuration names", file.display()));
        return Way { command: manager.run(&name, ""), how: format!("`{name}` of {}", in_words(&folder)), folder };
    }
    scripts::kit_itself(manager, "migrate", "", kit, config)
}

/// Scripts that look like the way to make migrations and take drizzle-kit's terminal away.
fn terminals(packages: &[Package], generate: &Way, report: &mut Report) {
    for package in packages {
        for (name, text) in package.scripts().filter(|(name, _)| name.contains("generate")) {
            if let Some(program) = scripts::without_terminal(text) {
                let way = format!(
                    "`{name}` of {} goes through {program}, where drizzle-kit has no terminal for its rename questions: \
                     `{}` is called in {} instead",
                    in_words(&package.folder),
                    generate.command,
                    shown(&generate.folder)
                );
                report.missing("a terminal", way);
            }
        }
    }
}

/// Names in `.env` files and in the package's sources that may hold a url.
fn url_candidates(root: &Path, packages: &[Package], db: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for folder in [root.to_owned(), root.join(db)] {
        for name in
            [".env", ".env.example", ".env.local", ".env.development", ".env.test", ".env.sample", ".env.template"]
        {
            texts.extend(std::fs::read_to_string(folder.join(name)));
        }
    }
    let sources = packages.iter().filter(|package| package.folder == db).flat_map(|package| &package.sources);
    texts.extend(sources.filter_map(|file| std::fs::read_to_string(root.join(file)).ok()));
    let words = Regex::new(r"\b[A-Z][A-Z0-9_]*(?:URL|URI|DSN|DATABASE|POSTGRES|CONNECTION)[A-Z0-9_]*\b|\bURL\b")?;
    let names: BTreeSet<String> =
        texts.iter().flat_map(|text| words.find_iter(text)).map(|found| found.as_str().to_owned()).collect();
    let mut names: Vec<String> = names.into_iter().filter(|name| name.len() > 3).collect();
    if !names.iter().any(|name| name == drizzle::project::URL_NAME) {
        names.push(drizzle::project::URL_NAME.to_owned());
    }
    Ok(names)
}

/// What the configuration really reads; else what the package's own code does. None as the second: nobody knows.
fn url_name(
    root: &Path,
    packages: &[Package],
    db: &Path,
    project: &Project,
    config: &Config,
    candidates: &[String],
) -> Result<(String, Option<String>)> {
    if let Some(name) = config::url_name(project, config, candidates)? {
        return Ok((name, Some("what the configuration reads".to_owned())));
    }
    let sources = packages.iter().filter(|package| package.folder == db).flat_map(|package| &package.sources);
    let texts: Vec<String> = sources.filter_map(|file| std::fs::read_to_string(root.join(file)).ok()).collect();
    let read = |name: &&String| {
        ["process.env", "Bun.env", "env"]
            .iter()
            .any(|env| texts.iter().any(|text| text.contains(&format!("{env}.{name}"))))
    };
    let used: Vec<&String> = candidates.iter().filter(read).collect();
    match used.as_slice() {
        [one] => Ok(((*one).clone(), Some("the only one that the package's code reads".to_owned()))),
        _ => Ok((drizzle::project::URL_NAME.to_owned(), None)),
    }
}

/// The files in which the tables are made: one, or all below the folder that holds them.
fn schema_glob(graph: &Graph, db: &Path, files: &[PathBuf]) -> String {
    let mut all: BTreeSet<PathBuf> = BTreeSet::new();
    let mut open: Vec<PathBuf> = files.to_vec();
    while let Some(file) = open.pop() {
        let inside = file.starts_with(graph.root.join(db)) && all.insert(file.clone());
        open.extend(graph.imports.get(&file).into_iter().flatten().filter(|_| inside).cloned());
    }
    let tables = |file: &PathBuf| {
        files.contains(file) || std::fs::read_to_string(file).is_ok_and(|text| text.contains("drizzle-orm/pg-core"))
    };
    let made: Vec<PathBuf> = all.into_iter().filter(tables).map(|file| relative(&graph.root, &file)).collect();
    if let [one] = made.as_slice() {
        return one.display().to_string();
    }
    let mut folder = made.first().and_then(|file| file.parent()).unwrap_or(db).to_owned();
    while !made.iter().all(|file| file.starts_with(&folder)) && folder.pop() {}
    if folder.as_os_str().is_empty() { "**/*.ts".to_owned() } else { format!("{}/**/*.ts", folder.display()) }
}

/// The name of the root's package without its scope, else that of the folder; in letters that a crate may have.
fn crate_name(root: &Path, package: Option<&Package>) -> String {
    let own =
        package.map(|package| package.name().rsplit('/').next().unwrap_or_default().to_owned()).unwrap_or_default();
    let folder = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let name = if own.is_empty() { folder } else { own };
    let plain: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let plain = plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
        plain
    } else {
        format!("repo-{plain}").trim_end_matches('-').to_owned()
    }
}
