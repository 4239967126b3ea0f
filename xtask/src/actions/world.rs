//! What the actions share within one run: the trees, the tools, the databases. Everything is made when first asked for.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use anyhow::{Context, Result};
use postgres::Client;

use super::shadow::Shadow;
use crate::code;
use crate::digest;
use crate::drizzle::{self, Project};
use crate::engine::precondition::no_env;
use crate::engine::{Host, Outcome, StepContext};
use crate::failure::Failure;
use crate::pg::connect::{self, Identity};
use crate::pg::error::Told;
use crate::pg::fingerprint;
use crate::pg::sweep;
use crate::pg::url::{self, DatabaseUrl};
use crate::process::tools::{self, Postgres, Tool, Wanted};
use crate::process::{Log, Mask, environment, places};
use crate::repo::git;
use crate::sql::TableName;
use crate::state::{RunFolder, StatCache};
use crate::workflow::load::expand;
use crate::workflow::model::{Role, Target};
use crate::workflow::{Loaded, Step};

/// One run's surroundings.
pub struct World<'a> {
    pub root: PathBuf,
    /// The repo's own work tree, where `root` is another commit's.
    pub home: PathBuf,
    pub loaded: &'a Loaded,
    pub folder: RunFolder,
    pub base: String,
    experiment: Option<Experiment>,
    pub(super) shadow: Mutex<Option<Shadow>>,
    /// Held while one of the shadow's templates is made: steps that run side by side need the same ones.
    pub(super) making: Mutex<()>,
    /// Held while the base's tree is made; whether it was looked at.
    tree: Mutex<bool>,
    bun: OnceLock<Tool>,
    postgres: OnceLock<Postgres>,
    config: OnceLock<drizzle::Config>,
    files: StatCache,
    swept: OnceLock<usize>,
    /// What was asked already: the digest, and the lines that it stands for.
    probes: Mutex<BTreeMap<String, (String, String)>>,
}

/// A step tried out of its turn: its world writes to no real database and gives none to a command.
struct Experiment {
    /// The work tree that was copied; its `.env` files say where the source is.
    real: PathBuf,
    /// In the place of the repo's own.
    private: PathBuf,
}

/// What an experiment's children are told of every target: nothing listens there.
pub(super) const NOWHERE: &str = "postgresql://nobody@127.0.0.1:1/nowhere";

/// The name our sessions bear.
pub const APPLICATION: &str = "db-change";

impl<'a> World<'a> {
    #[must_use]
    pub fn new(root: &Path, loaded: &'a Loaded, folder: RunFolder, base: &str) -> Self {
        World {
            root: root.to_owned(),
            home: root.to_owned(),
            loaded,
            folder,
            base: base.to_owned(),
            experiment: None,
            shadow: Mutex::new(None),
            making: Mutex::new(()),
            tree: Mutex::new(false),
            bun: OnceLock::new(),
            postgres: OnceLock::new(),
            config: OnceLock::new(),
            files: StatCache::at(root),
            swept: OnceLock::new(),
            probes: Mutex::new(BTreeMap::new()),
        }
    }

    /// The world of a step that is tried in a copy of the work tree `real`; what it keeps lies in `private`.
    #[must_use]
    pub fn of_experiment(self, real: &Path, private: PathBuf) -> Self {
        World { experiment: Some(Experiment { real: real.to_owned(), private }), ..self }
    }

    /// A variable of the workflow file that the actions cannot do without.
    pub fn var(&self, name: &str) -> Result<&str> {
        self.loaded.var(name).ok_or_else(|| {
            Failure::usage(format!("the workflow file has no variable `{name}`"))
                .hint(format!("add `{name} = \"…\"` to `[vars]`"))
                .into()
        })
    }

    pub fn db_package(&self) -> Result<&str> {
        self.var("db_package")
    }

    /// Where things of this repo are kept outside its work tree.
    pub fn private(&self) -> Result<PathBuf> {
        if let Some(experiment) = &self.experiment {
            places::ensure(&experiment.private, 0o700)?;
            return Ok(experiment.private.clone());
        }
        places::state(&self.home)
    }

    pub fn bun(&self) -> Result<&Tool> {
        if self.bun.get().is_none() {
            let _ = self.bun.set(tools::bun(Some(&self.root))?);
        }
        self.bun.get().context("bun was just found")
    }

    /// PostgreSQL's programs, of the source's major version where there is a choice.
    pub fn postgres(&self) -> Result<&Postgres> {
        if self.postgres.get().is_none() {
            let major = self.identity().map(|identity| identity.major).ok();
            let wanted = Wanted { pg_bin: self.loaded.workflow.pg_bin.clone(), major };
            let _ = self.postgres.set(tools::postgres(&wanted)?);
        }
        self.postgres.get().context("PostgreSQL was just found")
    }

    fn identity(&self) -> Result<Identity> {
        connect::identity(&mut self.read_source()?)
    }

    pub fn target(&self, name: &str) -> Result<&Target> {
        self.loaded.workflow.target.get(name).ok_or_else(|| {
            Failure::usage(format!("the workflow file has no target `{name}`")).hint("add `[target.NAME]`").into()
        })
    }

    /// The name of the target that the shadow is copied from.
    #[must_use]
    pub fn source_name(&self) -> &str {
        self.loaded.workflow.shadow.as_ref().map_or("dev", |shadow| shadow.source.get_ref())
    }

    pub fn url(&self, target: &str) -> Result<DatabaseUrl> {
        let found = self.target(target)?;
        // Past any pooler, where that way is known; a production's direct way is for its deployment alone.
        let direct = found.direct_url_env.as_ref().filter(|_| found.role == Role::Development);
        let text = match direct.and_then(|name| self.env(name)) {
            Some(text) => text,
            None => self.env(&found.url_env).ok_or_else(|| no_env(&found.url_env))?,
        };
        url::parse(&text)
    }

    /// A session on the source that reads only.
    pub fn read_source(&self) -> Result<Client> {
        connect::connect_read_only(&self.url(self.source_name())?, APPLICATION)
    }

    /// A session that reads only on the production database, with its target's name, where the environment says how to reach it.
    pub fn read_production(&self) -> Result<Option<(String, Client)>> {
        let Some(name) = self.readable_production() else { return Ok(None) };
        let client = connect::connect_read_only(&self.url(name)?, APPLICATION)?;
        Ok(Some((name.to_owned(), client)))
    }

    /// The production database that the workflow file names.
    pub fn production(&self) -> Option<(&str, &Target)> {
        let mut targets = self.loaded.workflow.target.iter();
        targets.find(|(_, target)| target.role == Role::Production).map(|(name, target)| (name.as_str(), target))
    }

    fn readable_production(&self) -> Option<&str> {
        self.production().filter(|(_, target)| self.env(&target.url_env).is_some()).map(|(name, _)| name)
    }

    /// The url of a development target: the only kind that is ever written to here.
    pub fn writable_url(&self, target: &str) -> Result<DatabaseUrl> {
        if self.experiment.is_some() {
            return Err(Failure::refused(format!("an experiment writes to no real database, and `{target}` is one"))
                .hint("in its turn: cargo xtask db-change")
                .into());
        }
        if self.target(target)?.role != Role::Development {
            return Err(Failure::refused(format!(
                "`{target}` is not a development database, and `apply` goes to no other"
            ))
            .into());
        }
        self.url(target)
    }

    /// How to run things in the work tree.
    pub fn work(&self, log: &Log) -> Result<Project> {
        self.project(&self.root.clone(), log)
    }

    /// How to run things in the base's tree.
    pub fn base(&self, context: &StepContext<'_>, log: &Log) -> Result<Project> {
        let tree = self.base_tree(context)?;
        self.project(&tree, log)
    }

    fn project(&self, tree: &Path, log: &Log) -> Result<Project> {
        let package = tree.join(self.db_package()?);
        if !package.join("package.json").exists() {
            return Err(Failure::usage(format!("`{}` is not a package: no `package.json` in it", package.display()))
                .hint("set `db_package` under `[vars]` in the workflow file to the folder of the database package")
                .into());
        }
        let mut project = Project::new(tree, &package, &self.bun()?.path);
        project.kit = self.kit(tree, &package)?;
        project.url_names = self.url_names();
        project.log = Some(log.clone());
        project.mask = self.mask();
        // The config may ask for it when it is read; steps that reach a database set their own.
        if self.experiment.is_some() {
            project.env.extend(self.command_env(&[]));
            project.reach(NOWHERE);
        } else if let Ok(url) = self.url(self.source_name()) {
            project.env.extend(self.url_env(&url));
        }
        Ok(project)
    }

    /// The project whose children reach this database, and no other.
    pub fn on(&self, project: Project, url: &DatabaseUrl) -> Result<Project> {
        let mut project = project;
        project.mask.extend(&url.mask());
        project.env.extend(self.only(url)?);
        Ok(project)
    }

    /// drizzle's configuration in the work tree.
    pub fn config(&self) -> Result<&drizzle::Config> {
        if self.config.get().is_none() {
            let project = self.work(&Log::at(self.folder.log_stem(0, "config")))?;
            let _ = self.config.set(drizzle::config::load(&project)?);
        }
        self.config.get().context("the configuration was just read")
    }

    /// The table in which Drizzle's migrator keeps its books.
    pub fn migrations_table(&self) -> Result<TableName> {
        let config = self.config()?;
        Ok(TableName::new(&config.migrations_schema, &config.migrations_table))
    }

    /// Fingerprints that can be compared between a real database and a restored copy.
    pub fn portable(&self) -> Result<fingerprint::Options> {
        Ok(fingerprint::Options { skip_tables: vec![self.migrations_table()?], ..fingerprint::Options::default() })
    }

    /// Fingerprints within one server: everything counts.
    pub fn strict(&self) -> Result<fingerprint::Options> {
        Ok(fingerprint::Options { strict_order: true, privileges: true, ..self.portable()? })
    }

    /// The work tree that the person works in, whose files say where things are.
    pub(super) fn real_root(&self) -> &Path {
        self.experiment.as_ref().map_or(&self.home, |experiment| &experiment.real)
    }

    /// A value from `.env` of the repo or of the database package.
    fn env_files(&self, name: &str) -> Option<String> {
        let root = self.real_root();
        let package = self.loaded.var("db_package").map(|package| root.join(package));
        [Some(root.to_owned()), package].into_iter().flatten().find_map(|folder| {
            let text = std::fs::read_to_string(folder.join(".env")).ok()?;
            super::dotenv::value(&text, name)
        })
    }

    /// Outside state has changed by our own doing: look again.
    pub(super) fn forget_probes(&self) {
        if let Ok(mut probes) = self.probes.lock() {
            probes.clear();
        }
    }
}

/// Removes a file or a folder of ours, if it is there.
fn remove(path: &Path) -> Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => Ok(()),
    };
    removed.with_context(|| format!("removing `{}`", path.display()))
}

/// Whether an environment value is one to hide, by what its name says.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "CREDENTIAL", "_KEY", "_URL", "_DSN"]
        .iter()
        .any(|word| name.contains(word))
}

/// What the digest of a file is made of.
fn kind(file: &Path) -> &'static str {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("ts" | "tsx" | "mts" | "cts" | "js" | "jsx" | "mjs") => code::tokens::KIND,
        _ => "content",
    }
}

impl Host for World<'_> {
    fn act(&self, action: &str, context: &StepContext<'_>) -> Result<Outcome> {
        // Servers of a run that was killed; what cannot be removed now is tried again with the next server.
        self.swept.get_or_init(|| sweep::sweep().unwrap_or_default());
        let found = super::ACTIONS.iter().find(|candidate| candidate.name == action);
        let found = found.with_context(|| format!("validated: `{action}` is an action"))?;
        (found.run)(self, context).or_else(|error| {
            // Whatever failed for want of the backup's file goes on as soon as there is one again.
            let failure = super::backup::lost(context).ok_or(error)?;
            Ok(Outcome::Outdated { step: "backup".to_owned(), failure })
        })
    }

    fn digest(&self, file: &Path) -> Result<String> {
        self.files.digest(file, kind(file), || match kind(file) {
            code::tokens::KIND => {
                let bytes = std::fs::read(file).with_context(|| format!("reading `{}`", file.display()))?;
                Ok(match std::str::from_utf8(&bytes) {
                    Ok(text) => code::tokens::digest(file, text),
                    Err(_) => digest::of(&bytes),
                })
            }
            _ => digest::of_file(file),
        })
    }

    fn known(&self, file: &Path, found: &Metadata) -> Option<String> {
        self.files.known(file, kind(file), found)
    }

    fn branch(&self) -> Option<String> {
        if self.experiment.is_some() { None } else { git::branch(&self.home).ok() }
    }

    fn opened(&self) {
        self.files.open();
    }

    fn stopped(&self) {
        self.files.close();
    }

    fn probe(&self, probe: &str) -> Result<String> {
        if let Some((known, _)) = self.probes.lock().ok().and_then(|probes| probes.get(probe).cloned()) {
            return Ok(known);
        }
        let (value, text) = match probe.strip_prefix("applied:") {
            Some(target) => {
                let said = super::probe::applied(self, target)?;
                (said.clone(), said)
            }
            None if probe == "production" => match self.readable_production() {
                Some(name) => super::probe::database(self, name)?,
                None => ("not asked".to_owned(), "not asked\n".to_owned()),
            },
            None => super::probe::database(self, probe.strip_prefix("database:").unwrap_or(probe))?,
        };
        if let Ok(mut probes) = self.probes.lock() {
            probes.insert(probe.to_owned(), (value.clone(), text));
        }
        Ok(value)
    }

    fn probe_text(&self, probe: &str) -> Option<String> {
        Some(self.probes.lock().ok()?.get(probe)?.1.clone())
    }

    fn commands(&self, action: &str, step: &Step) -> Vec<String> {
        super::ACTIONS.iter().find(|candidate| candidate.name == action).map_or_else(Vec::new, |action| {
            let with = |name: &str| {
                let value = step.with.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value);
                match value {
                    Some(toml::Value::Array(values)) => {
                        values.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join(" ")
                    }
                    Some(toml::Value::String(text)) => text.clone(),
                    _ => String::new(),
                }
            };
            let names = ["command", "suite", "targets", "tests", "target"];
            let mut values: BTreeMap<String, String> =
                names.iter().map(|name| ((*name).to_owned(), with(name))).collect();
            values.extend(self.shown_commands());
            if !with("script").is_empty() {
                values.insert("command".to_owned(), format!("bun run {}", with("script")));
            }
            action.commands.iter().map(|line| expand(line, &values)).collect()
        })
    }

    fn base_commands(&self, base: &str) -> Vec<String> {
        let short = &base[..12.min(base.len())];
        let made = self.private().is_ok_and(|folder| folder.join("base").join(format!("{short}.installed")).exists());
        if made {
            return Vec::new();
        }
        vec![
            format!("git worktree add --detach --force … {short}   (once per base commit)"),
            format!("{}   (in it, once)", self.shown("install")),
        ]
    }

    fn tool(&self, name: &str) -> Result<(PathBuf, String)> {
        if name == "bun" {
            let bun = self.bun()?;
            return Ok((bun.path.clone(), bun.version.clone()));
        }
        if tools::POSTGRES_PROGRAMS.contains(&name) || name == "postgresql" {
            let postgres = self.postgres()?;
            return Ok((postgres.tool(name), postgres.version.clone()));
        }
        let path = tools::on_path(name)
            .ok_or_else(|| Failure::environment(format!("`{name}` is not on the PATH")).hint("cargo xtask doctor"))?;
        let version = tools::version_line(&path).unwrap_or_else(|| "unknown".to_owned());
        Ok((path, version))
    }

    /// A work tree of the base with its packages installed; made once per base commit.
    fn base_tree(&self, context: &StepContext<'_>) -> Result<PathBuf> {
        let base = &self.base;
        let mut looked = self.tree.lock().map_err(|_| anyhow::anyhow!("making the base's tree panicked before"))?;
        let folder = self.private()?.join("base");
        places::ensure(&folder, 0o700)?;
        let tree = folder.join(&base[..12.min(base.len())]);
        let done = tree.with_extension("installed");
        // Killed while it was made: git may have left it without a part of its files, which would look like the base's fault.
        // Or it is another clone's that was at this path, or was edited and cannot be put back.
        let usable = || done.exists() && git::is_worktree(&tree, base) && git::restore(&tree).is_ok();
        if !*looked && tree.symlink_metadata().is_ok() && !usable() {
            remove(&done)?;
            remove(&tree)?;
        }
        git::worktree(&self.root, base, &tree)?;
        *looked = true;
        if !done.exists() {
            context.say(&format!("{} in a work tree of the base, once per base commit", self.shown("install")));
            self.install(&tree, "the base commit", &context.log.with_stem(self.folder.log_stem(0, "install")))?;
            crate::state::durable::write(&done, base.as_bytes())?;
        }
        Ok(tree)
    }

    fn env(&self, name: &str) -> Option<String> {
        environment::var(name).or_else(|| self.env_files(name))
    }

    fn command_env(&self, names: &[&String]) -> BTreeMap<String, String> {
        let given = names.iter().filter_map(|name| Some(((*name).clone(), self.env(name)?)));
        if self.experiment.is_none() {
            return given.collect();
        }
        let harmless = given.filter(|(name, value)| !name.starts_with("PG") && !url::is_one(value));
        let nowhere = self.loaded.workflow.target.values().map(|target| (target.url_env.clone(), NOWHERE.to_owned()));
        harmless.chain(nowhere).collect()
    }

    fn holds(&self, target: &str, query: &str) -> Result<bool> {
        let mut client = connect::connect_read_only(&self.url(target)?, APPLICATION)?;
        let row = client.query_one(query, &[]).told(&format!("asking `{target}`: {query}"))?;
        row.try_get::<_, bool>(0).context("the query's first value is not a boolean")
    }

    fn settings(&self, action: &str) -> Option<String> {
        let runs = |known: &super::Action| known.name == action && !known.commands.is_empty();
        let commands = super::ACTIONS.iter().any(runs).then(|| self.commands_digest());
        if action != "migration.measure" {
            return commands;
        }
        let workflow = &self.loaded.workflow;
        let rows = workflow.target.get("production").map(|target| &target.rows);
        let budget = [&workflow.budget.migration, &workflow.budget.blocked_reads, &workflow.budget.blocked_writes];
        let budget = budget.map(|limit| limit.as_ref().map(|limit| limit.get_ref().as_str()));
        Some(digest::of(format!("{budget:?} {rows:?} {commands:?}")))
    }

    fn test_counts(&self, report: &str) -> Result<(usize, usize, usize)> {
        let counts = code::junit::parse(report)?.counts();
        Ok((counts.passed + counts.failed, counts.failed, counts.skipped))
    }

    fn mask(&self) -> Mask {
        let mut mask = Mask::default();
        let targets = self.loaded.workflow.target.values();
        let urls = targets.flat_map(|target| std::iter::once(&target.url_env).chain(&target.direct_url_env));
        let named = self.loaded.steps().flat_map(|(_, step)| &step.env);
        let all: BTreeMap<&String, bool> =
            named.map(|name| (name, is_secret(name))).chain(urls.map(|name| (name, true))).collect();
        for (name, secret) in all {
            let Some(text) = self.env(name) else { continue };
            match url::parse(&text) {
                Ok(url) => mask.extend(&url.mask()),
                // A url that cannot be read may have the password anywhere in it.
                Err(_) if secret => mask.add(&text),
                Err(_) => {}
            }
        }
        if let Ok(shadow) = self.shadow.lock()
            && let Some(shadow) = shadow.as_ref()
        {
            mask.add(shadow.server.password());
        }
        mask
    }
}
