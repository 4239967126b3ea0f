//! How to run drizzle-kit and bun in one tree: which commands in which folders, which environment, and small scripts of ours
//! inside the package.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;
use crate::process::{Command, Log, Mask, Run, environment};

/// One tree (the work tree or the base's) and how its programs are run.
#[derive(Clone, Debug)]
pub struct Project {
    /// The tree's root.
    pub root: PathBuf,
    /// The folder of the database package in it; absolute.
    pub package: PathBuf,
    pub bun: PathBuf,
    /// How this repo calls drizzle-kit.
    pub kit: Kit,
    /// What children get beside the allow-list: the url of the database, always set by us.
    pub env: BTreeMap<String, String>,
    /// The names under which they look for it.
    pub url_names: Vec<String>,
    pub mask: Mask,
    pub log: Option<Log>,
    /// Time limit of one call of bun.
    pub timeout: Duration,
}

/// The commands around drizzle-kit, and where its paths count from; folders are absolute.
#[derive(Clone, Debug)]
pub struct Kit {
    /// Makes a migration on a terminal; `{{name}}` is its name, where the command takes one.
    pub generate: Command,
    /// Applies what is pending.
    pub migrate: Command,
    /// Where `generate` runs, and where `migrate` does.
    pub scripts: PathBuf,
    pub migrate_in: PathBuf,
    /// The folder in which drizzle-kit itself runs then: relative paths of its configuration count from it.
    pub folder: PathBuf,
    /// The configuration, where it is not one of the usual names in that folder.
    pub config: Option<PathBuf>,
}

/// How drizzle-kit is called where the workflow file says nothing else.
pub const GENERATE: &str = "bun run db:generate --name {{name}}";
pub const MIGRATE: &str = "bun run db:migrate";

/// What drizzle's own documents call the url of the database.
pub const URL_NAME: &str = "DATABASE_URL";

impl Kit {
    fn usual(package: &Path) -> Kit {
        let command = |text: &str| Command::parse(text).unwrap_or_else(|_| Command::default());
        Kit {
            generate: command(GENERATE),
            migrate: command(MIGRATE),
            scripts: package.to_owned(),
            migrate_in: package.to_owned(),
            folder: package.to_owned(),
            config: None,
        }
    }
}

impl Project {
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, package: impl Into<PathBuf>, bun: impl Into<PathBuf>) -> Self {
        let package = package.into();
        Project {
            root: root.into(),
            kit: Kit::usual(&package),
            package,
            bun: bun.into(),
            env: BTreeMap::new(),
            url_names: vec![URL_NAME.to_owned()],
            mask: Mask::default(),
            log: None,
            timeout: Duration::from_secs(600),
        }
    }

    /// The environment of a child beyond the allow-list. Our bun comes first in PATH: package scripts call `bun` by name.
    #[must_use]
    pub fn child_env(&self) -> BTreeMap<String, String> {
        let mut env = self.env.clone();
        if let Some(folder) = self.bun.parent().filter(|folder| folder.is_absolute()) {
            let base =
                env.get("PATH").cloned().or_else(|| environment::for_children().remove("PATH")).unwrap_or_default();
            let path =
                if base.is_empty() { folder.display().to_string() } else { format!("{}:{base}", folder.display()) };
            env.insert("PATH".to_owned(), path);
        }
        env
    }

    /// bun with these arguments, in the folder in which drizzle-kit runs.
    #[must_use]
    pub fn bun(&self, args: &[&str]) -> Run {
        let mut run = Run::new(&self.bun, &self.kit.folder).args(args.iter().copied());
        run.env = self.child_env();
        self.as_ours(run)
    }

    /// A command of the repo's own, in a folder of this tree.
    pub fn command(&self, command: &Command, folder: &Path) -> Result<Run> {
        Ok(self.as_ours(command.run(&self.bun, &self.root, folder, &self.env)?))
    }

    fn as_ours(&self, run: Run) -> Run {
        let mut run = run.timeout(self.timeout);
        run.mask = self.mask.clone();
        run.log.clone_from(&self.log);
        run
    }

    /// The name by which the repo's own code looks for its database.
    #[must_use]
    pub fn url_name(&self) -> &str {
        self.url_names.last().map_or(URL_NAME, String::as_str)
    }

    /// Gives children this database, under every name by which they may look for one.
    pub fn reach(&mut self, url: &str) {
        self.mask.add(url);
        self.env.extend(self.url_names.iter().map(|name| (name.clone(), url.to_owned())));
    }

    /// Fails when a command calls a script that the `package.json` in `folder` (of this tree) does not have.
    pub fn require(&self, command: &Command, folder: &Path) -> Result<()> {
        let Some(name) = command.script() else { return Ok(()) };
        let mut above = folder.ancestors().take_while(|above| above.starts_with(&self.root));
        // `bun run tool` takes a program of the packages as well.
        if above.any(|above| above.join("node_modules/.bin").join(name).exists()) {
            return Ok(());
        }
        let manifest = folder.join("package.json");
        let shown = self.relative(&manifest);
        let text = fs::read_to_string(&manifest).map_err(|error| {
            Failure::usage(format!("cannot read `{shown}`: {error}"))
                .hint("set the folder of the command under `[vars]` in the workflow file")
        })?;
        let package: Value = serde_json::from_str(&text).map_err(|error| {
            Failure::usage(format!("`{shown}` is not JSON: {error}")).hint("mend it; package managers read it too")
        })?;
        if package["scripts"][name].is_string() {
            return Ok(());
        }
        let does = match name.strip_prefix("db:") {
            Some(verb) => format!("drizzle-kit {verb}"),
            None => "…".to_owned(),
        };
        Err(Failure::usage(format!("`{shown}` has no script `{name}`"))
            .hint(format!("add it to the scripts there: `\"{name}\": \"{does}\"`"))
            .into())
    }

    /// A path as a person in this tree would type it.
    #[must_use]
    pub fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    /// Runs a script of ours in the package and returns what it tells; the repo's own output does not mix with it.
    pub(super) fn script(&self, body: &str, args: &[&str]) -> Result<std::result::Result<Value, ScriptError>> {
        let folder = tempfile::tempdir().context("a folder for a script")?;
        let (script, answer) = (folder.path().join("script.mjs"), folder.path().join("answer.json"));
        fs::write(&script, format!("{PRELUDE}\n{body}\n")).context("writing a script")?;
        let (script_text, answer_text) = (script.to_string_lossy().into_owned(), answer.to_string_lossy().into_owned());
        let mut all = vec!["run", script_text.as_str(), answer_text.as_str()];
        all.extend(args);
        let output = self.bun(&all).run()?;
        let told: Told = match fs::read_to_string(&answer) {
            Ok(text) => serde_json::from_str(&text).context("reading the answer of a script")?,
            Err(_) => {
                return Ok(Err(ScriptError { message: self.mask.apply(&output.tail(6)), ..ScriptError::default() }));
            }
        };
        Ok(match told {
            Told::Value(value) => Ok(value),
            Told::Error(mut error) => {
                error.message = self.mask.apply(&error.message);
                Err(error)
            }
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Value(Value),
    Error(ScriptError),
}

/// An error thrown by a module of the repo, with its place where there is one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ScriptError {
    pub(super) message: String,
    pub(super) file: Option<PathBuf>,
    pub(super) line: Option<u64>,
    pub(super) column: Option<u64>,
    /// Set by a script that knows better what the matter is.
    pub(super) code: Option<String>,
}

impl ScriptError {
    /// `src/schema/users.ts:7:3: message`, first line only.
    pub(super) fn place_and_message(&self, project: &Project) -> String {
        let message = self.message.lines().next().unwrap_or("no message");
        let Some(file) = &self.file else { return message.to_owned() };
        let file = project.relative(file);
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}: {message}"),
            (Some(line), None) => format!("{file}:{line}: {message}"),
            _ => format!("{file}: {message}"),
        }
    }

    /// The failure for what a script could not do, by its code.
    pub(super) fn failure(&self, project: &Project, what: &str) -> Failure {
        let place = self.place_and_message(project);
        match self.code.as_deref() {
            Some("not_installed") => Failure::environment(format!("{what}: {place}")).hint(format!(
                "install the packages in {}: `bun install`, or as this repo does it",
                project.root.display()
            )),
            _ => Failure::usage(format!("{what}: {place}")).hint("mend it there, and run the same command again"),
        }
    }
}

/// Writes the answer to a file, so that whatever the repo's modules print is not taken for it; finds the place of an error.
const PRELUDE: &str = r#"
import { writeFileSync, realpathSync } from "node:fs";
import { dirname } from "node:path";
const [answerFile, ...args] = process.argv.slice(2);
const answer = (value) => { writeFileSync(answerFile, JSON.stringify(value)); };
const coded = (code, message) => Object.assign(new Error(message), { code: "xtask:" + code });
const own = realpathSync(dirname(process.argv[1]));
function told(error, fallback) {
  const inner = error?.errors?.[0] ?? error;
  const known = typeof inner?.code === "string" && inner.code.startsWith("xtask:");
  const at = { message: String(inner?.message ?? inner), file: fallback ?? null, line: null, column: null };
  if (known) return { ...at, code: inner.code.slice(6) };
  if (inner?.position?.file) return { ...at, file: inner.position.file, line: inner.position.line, column: inner.position.column };
  for (const line of String(inner?.stack ?? "").split("\n")) {
    const frame = line.match(/\(?((?:file:\/\/)?\/[^():]+):(\d+):(\d+)\)?$/);
    if (!frame) continue;
    const file = decodeURI(frame[1].replace(/^file:\/\//, ""));
    if (file.includes("/node_modules/") || file.startsWith(own) || file.startsWith(dirname(process.argv[1]))) continue;
    return { ...at, file, line: Number(frame[2]), column: Number(frame[3]) };
  }
  return at;
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_bun_comes_first_in_the_path_of_children() {
        let mut project = Project::new("/r", "/r/packages/db", "/opt/bun/bin/bun");
        project.env.insert("PATH".into(), "/usr/bin".into());
        assert_eq!(project.child_env()["PATH"], "/opt/bun/bin:/usr/bin");
    }

    #[test]
    fn an_error_is_told_with_its_place_in_the_tree() {
        let project = Project::new("/r", "/r/packages/db", "/opt/bun");
        let error = ScriptError {
            message: "boom\nmore".into(),
            file: Some("/r/a.ts".into()),
            line: Some(3),
            ..ScriptError::default()
        };
        assert_eq!(error.place_and_message(&project), "a.ts:3: boom");
    }
}
