//! What differs between repos in how things are called: commands, folders and names, from `[vars]` of the workflow file.
//!
//! Invariant: a variable that is not there means what the sample repo has; one that cannot be read is an error that names it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::world::World;
use crate::code::runner::{self, Runner};
use crate::digest;
use crate::drizzle::project::{GENERATE, Kit, MIGRATE, URL_NAME};
use crate::failure::Failure;
use crate::pg::url::DatabaseUrl;
use crate::process::{Command, Log, Run};

/// The variables that hold commands or say where they run, and what they are where the file does not say.
const COMMANDS: &[(&str, &str)] = &[
    ("generate", GENERATE),
    ("migrate", MIGRATE),
    ("scripts_in", ""),
    ("migrate_in", ""),
    ("drizzle_in", ""),
    ("drizzle_config", ""),
    ("test", runner::TEST),
    ("test_in", "."),
    ("install", "bun install --frozen-lockfile"),
];

impl World<'_> {
    fn command_text(&self, name: &str) -> &str {
        let usual = COMMANDS.iter().find(|(known, _)| *known == name).map_or("", |(_, usual)| usual);
        self.loaded.var(name).unwrap_or(usual)
    }

    /// A command from `[vars]`.
    pub fn own_command(&self, name: &str) -> Result<Command> {
        let text = self.command_text(name);
        Command::parse(text).map_err(|problem| {
            Failure::usage(format!("`{name}` of `[vars]` is not a command: {problem}"))
                .hint(format!("write the words as you type them: `{name} = \"bun run …\"`"))
                .into()
        })
    }

    /// The same as a person types it; a name that is filled in later stays open.
    #[must_use]
    pub fn shown(&self, name: &str) -> String {
        let text = self.command_text(name);
        Command::parse(text).map_or_else(|_| text.to_owned(), |command| command.fill("name", &["…".to_owned()]).shown())
    }

    /// The test runner.
    pub fn runner(&self) -> Result<Runner> {
        let per_package = match self.command_text("test_in") {
            "." => false,
            "package" => true,
            other => {
                return Err(Failure::usage(format!("`test_in` of `[vars]` is not known: {other}"))
                    .hint("write `.` for the root of the repo, or `package` for each package's own folder")
                    .into());
            }
        };
        let command = self.own_command("test")?;
        if !command.words().iter().any(|word| word.contains("{{junit}}")) {
            return Err(Failure::usage(
                "`test` of `[vars]` asks for no report, and only a report proves that tests ran",
            )
            .hint(format!("say where it goes: `test = \"{}\"`", runner::TEST))
            .into());
        }
        Ok(Runner { command, per_package })
    }

    /// How drizzle-kit is called in a tree.
    pub(super) fn kit(&self, tree: &Path, package: &Path) -> Result<Kit> {
        let place = |name: &str| match self.command_text(name) {
            "" => package.to_owned(),
            "." => tree.to_owned(),
            folder => tree.join(folder),
        };
        let config = Some(self.command_text("drizzle_config")).filter(|path| !path.is_empty());
        Ok(Kit {
            generate: self.own_command("generate")?,
            migrate: self.own_command("migrate")?,
            scripts: place("scripts_in"),
            migrate_in: place("migrate_in"),
            folder: place("drizzle_in"),
            config: config.map(|path| tree.join(path)),
        })
    }

    /// The names under which the repo's code looks for its database. Each of them is set for every child, so that none finds
    /// a real one in an `.env` file; the last is the one that the workflow file gives.
    #[must_use]
    pub fn url_names(&self) -> Vec<String> {
        let target = self.loaded.workflow.target.get(self.source_name());
        let named = target.into_iter().flat_map(|target| target.direct_url_env.iter().chain([&target.url_env]));
        std::iter::once(URL_NAME.to_owned()).chain(named.cloned()).collect()
    }

    /// A database for children, under each of those names.
    #[must_use]
    pub fn url_env(&self, url: &DatabaseUrl) -> BTreeMap<String, String> {
        let (mut env, text) = (url.bun_env(), url.for_bun().to_url());
        env.extend(self.url_names().into_iter().map(|name| (name, text.clone())));
        env
    }

    /// What decides how commands are run, for freshness.
    pub(super) fn commands_digest(&self) -> String {
        let said: Vec<String> =
            COMMANDS.iter().map(|(name, _)| format!("{name} = {}", self.command_text(name))).collect();
        digest::of(said.join("\n"))
    }

    /// What decides how tests are run.
    pub(super) fn command_key(&self) -> String {
        format!("{} in {}", self.command_text("test"), self.command_text("test_in"))
    }

    /// Placeholders of the plan: `{{migrate}}` as a person types it.
    pub(super) fn shown_commands(&self) -> BTreeMap<String, String> {
        let mut shown: BTreeMap<String, String> =
            ["generate", "migrate", "install"].iter().map(|name| ((*name).to_owned(), self.shown(name))).collect();
        let test = self.runner().map_or_else(|_| self.shown("test"), |runner| runner.shown(&[]));
        shown.insert("test".to_owned(), test);
        shown
    }

    /// Installs the packages of a tree of ours.
    pub fn install(&self, tree: &Path, whose: &str, log: &Log) -> Result<()> {
        let mut run = self.own_run("install", tree)?;
        run.timeout = Duration::from_secs(900);
        run.log = Some(log.clone());
        let output = run.run()?;
        if output.success() {
            return Ok(());
        }
        Err(Failure::environment(format!("the packages of {whose} cannot be installed"))
            .detail(output.tail(8))
            .hint(format!("`{}` must pass there: commit a lock file that fits", self.shown("install")))
            .into())
    }

    fn own_run(&self, name: &str, folder: &Path) -> Result<Run> {
        self.own_command(name)?.run(&self.bun()?.path, folder, folder, &BTreeMap::new())
    }
}

/// The lock files by which package managers are known.
pub const LOCKS: &[&str] = &["bun.lock", "bun.lockb", "pnpm-lock.yaml", "package-lock.json", "yarn.lock"];

/// Whether a tree has packages that can be installed.
#[must_use]
pub fn has_lock(tree: &Path) -> bool {
    LOCKS.iter().map(|name| tree.join(name)).any(|path: PathBuf| path.exists())
}
