//! Where runs live: `.db-change/` at the repo's root, with one folder per run.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::durable;
use super::model::{SCHEMA, State};
use super::seal::{self, Broken};
use crate::digest;
use crate::failure::Failure;
use crate::workflow::command;
use crate::workflow::validate::is_name;

/// `.db-change/`
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
}

/// `.db-change/runs/<id>/`
#[derive(Clone, Debug)]
pub struct RunFolder {
    home: PathBuf,
    path: PathBuf,
}

/// What a step leaves as proof.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// One line for the terminal.
    #[serde(default)]
    pub summary: String,
    /// What was proven: counts, checksums, verdicts. Goes into the keys of the steps that stand on it.
    #[serde(default)]
    pub proven: toml::Table,
    /// What is worth knowing and may differ on the next run: timings, sizes, paths.
    #[serde(default)]
    pub info: toml::Table,
}

impl Evidence {
    pub fn new(summary: impl Into<String>) -> Self {
        Evidence { summary: summary.into(), ..Evidence::default() }
    }

    #[must_use]
    pub fn proven(mut self, name: &str, value: impl Into<toml::Value>) -> Self {
        self.proven.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn info(mut self, name: &str, value: impl Into<toml::Value>) -> Self {
        self.info.insert(name.to_owned(), value.into());
        self
    }

    /// Digest of what was proven.
    #[must_use]
    pub fn digest(&self) -> String {
        digest::of(self.proven.to_string())
    }
}

/// Now, as it stands in files.
#[must_use]
pub fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

impl Home {
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Home { path: root.join(".db-change") }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folder, and keeps git away from it.
    pub fn create(&self) -> Result<()> {
        durable::create_folder(&self.path.join("runs"))?;
        let ignore = self.path.join(".gitignore");
        if !ignore.exists() {
            durable::write(&ignore, b"*\n")?;
        }
        Ok(())
    }

    #[must_use]
    pub fn run(&self, id: &str) -> RunFolder {
        self.folder(self.path.join("runs").join(id))
    }

    /// The folder of a step that is tried out of its turn: no run's, so that nothing in it counts.
    #[must_use]
    pub fn experiment(&self, step: &str) -> RunFolder {
        self.folder(self.path.join("experiments").join(step))
    }

    fn folder(&self, path: PathBuf) -> RunFolder {
        RunFolder { home: self.path.clone(), path }
    }

    /// Every run, oldest first. A state that cannot be read is an error: it is never taken for "no run".
    pub fn runs(&self) -> Result<Vec<(RunFolder, State)>> {
        let Ok(entries) = fs::read_dir(self.path.join("runs")) else { return Ok(Vec::new()) };
        let mut runs = Vec::new();
        for entry in entries {
            let folder = self.folder(entry.context("listing the runs")?.path());
            if folder.state_path().exists() {
                let state = folder.load()?;
                runs.push((folder, state));
            }
        }
        runs.sort_by(|(_, a), (_, b)| (&a.started, &a.run).cmp(&(&b.started, &b.run)));
        Ok(runs)
    }

    /// The runs of which a step was at work when its runner ended, by what the text of their states says first of all: most
    /// are not worth a closer look.
    pub fn interrupted_runs(&self) -> Result<Vec<State>> {
        let says =
            |text: &str| ["running", "interrupted"].iter().any(|word| text.contains(&format!("status = \"{word}\"")));
        let Ok(entries) = fs::read_dir(self.path.join("runs")) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for entry in entries {
            let folder = self.folder(entry.context("listing the runs")?.path());
            if fs::read_to_string(folder.state_path()).is_ok_and(|text| says(&text)) {
                found.push(folder.load()?);
            }
        }
        Ok(found)
    }

    /// The open run of a workflow on a branch.
    pub fn open_run(&self, workflow: &str, branch: &str) -> Result<Option<(RunFolder, State)>> {
        Ok(self.runs_of(workflow, branch)?.into_iter().rev().find(|(_, state)| state.ended.is_none()))
    }

    /// The open run of a workflow on a branch, or else the newest.
    pub fn last_run(&self, workflow: &str, branch: &str) -> Result<Option<(RunFolder, State)>> {
        let mut runs = self.runs_of(workflow, branch)?;
        let open = runs.iter().rposition(|(_, state)| state.ended.is_none());
        Ok(match open {
            Some(open) => Some(runs.swap_remove(open)),
            None => runs.pop(),
        })
    }

    fn runs_of(&self, workflow: &str, branch: &str) -> Result<Vec<(RunFolder, State)>> {
        let mut runs = self.runs()?;
        runs.retain(|(_, state)| state.workflow == workflow && state.branch == branch);
        Ok(runs)
    }

    /// A run id that is not taken: `rename-email-1`.
    #[must_use]
    pub fn free_id(&self, slug: &str) -> String {
        (1..)
            .map(|n| format!("{slug}-{n}"))
            .find(|id| self.run(id).path.symlink_metadata().is_err())
            .unwrap_or_default()
    }
}

impl RunFolder {
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[must_use]
    pub fn state_path(&self) -> PathBuf {
        self.path.join("state.toml")
    }

    /// A path in the run's own folder, for files that a step keeps.
    #[must_use]
    pub fn kept(&self, name: &str) -> PathBuf {
        self.path.join("evidence").join(name)
    }

    pub fn create(&self) -> Result<()> {
        durable::create_folder(&self.path.join("logs"))?;
        durable::create_folder(&self.path.join("evidence"))
    }

    /// Errors: unreadable, edited by another hand, or written by a newer version.
    pub fn load(&self) -> Result<State> {
        let path = self.state_path();
        let sealed = fs::read_to_string(&path).with_context(|| format!("reading the state file `{}`", path.display()));
        // What is not even text was damaged too.
        let sealed = match sealed {
            Err(error) if is_no_text(&error) => String::new(),
            read => read?,
        };
        let text = match self.unsealed(&path, &sealed) {
            Ok(text) => text,
            // A newer version may seal otherwise.
            Err(broken) => {
                return Err(newer(&sealed, SCHEMA.0 + 1)
                    .unwrap_or_else(|| self.damaged(broken.words(), &sealed))
                    .into());
            }
        };
        // A newer minor is read as far as we know what it says; its words for new things are not.
        let state: State = toml::from_str(text)
            .map_err(|error| newer(text, SCHEMA.0).unwrap_or_else(|| self.damaged(error.message(), text)))?;
        match version(&state.schema) {
            Some((major, _)) if major <= SCHEMA.0 => Ok(state),
            _ => Err(too_new(&state.schema, &state.written_by).into()),
        }
    }

    fn damaged(&self, reason: &str, text: &str) -> Failure {
        let again = workflow_in(text)
            .map_or_else(|| "with the command that began it".to_owned(), |workflow| command(workflow, ""));
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Failure::refused(format!("the state file `{}` cannot be trusted", self.state_path().display()))
            .detail(reason)
            .detail("what it says about steps, answers and proofs is not believed")
            .hint(format!(
                "set the run aside: mv {} {}",
                self.path.display(),
                self.home.join(format!("set-aside-{name}")).display()
            ))
            .hint(format!("then begin again: {again}; what is in the work tree and in the database stays as it is"))
    }

    /// The name under which a file of this run is sealed.
    fn sealed_name(&self, path: &Path) -> String {
        path.strip_prefix(&self.home).unwrap_or(path).to_string_lossy().into_owned()
    }

    /// Gives the digest of what stands in the file then.
    fn write_sealed(&self, path: &Path, text: &str) -> Result<String> {
        let sealed = seal::seal(&self.home, &self.sealed_name(path), text)?;
        durable::write(path, sealed.as_bytes())?;
        Ok(digest::of(sealed))
    }

    fn unsealed<'a>(&self, path: &Path, sealed: &'a str) -> Result<&'a str, Broken> {
        seal::unseal(&self.home, &self.sealed_name(path), sealed)
    }

    /// Keeps a record of a step's own, so that an edit by another hand is seen.
    pub fn save_record(&self, name: &str, text: &str) -> Result<()> {
        self.write_sealed(&self.kept(name), text).map(|_| ())
    }

    /// A record of a step's own; none where there is none. Errors: it is not as it was written.
    pub fn record(&self, name: &str) -> Result<Option<String>> {
        let path = self.kept(name);
        let sealed = match fs::read_to_string(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading `{}`", path.display())),
        };
        let text = self.unsealed(&path, &sealed).map_err(|broken| {
            Failure::refused(format!("`{}` cannot be trusted", path.display()))
                .detail(broken.words())
                .hint(format!("what it stood for is proven anew without it: rm {}", path.display()))
        })?;
        Ok(Some(text.to_owned()))
    }

    /// Writes the state, durably; the serial grows with every write. A state of a newer version is left alone.
    pub fn save(&self, state: &mut State) -> Result<()> {
        if version(&state.schema).is_some_and(|version| version > SCHEMA) {
            return Err(too_new(&state.schema, &state.written_by).into());
        }
        state.serial += 1;
        state.written_by = env!("CARGO_PKG_VERSION").to_owned();
        let text = toml::to_string(state).context("describing the state")?;
        self.write_sealed(&self.state_path(), &text).map(|_| ())
    }

    /// Keeps the text of a workflow that the run goes by.
    pub fn save_workflow(&self, digest: &str, text: &str) -> Result<()> {
        durable::write(&self.workflow_path(digest), text.as_bytes())
    }

    /// The text of a workflow that was kept; none where it is not there.
    #[must_use]
    pub fn workflow(&self, digest: &str) -> Option<String> {
        fs::read_to_string(self.workflow_path(digest)).ok()
    }

    fn workflow_path(&self, digest: &str) -> PathBuf {
        self.path.join(format!("workflow-{}.toml", &digest[..12.min(digest.len())]))
    }

    /// Gives the digest of the file.
    pub fn save_evidence(&self, step: &str, evidence: &Evidence) -> Result<String> {
        let text = toml::to_string(evidence).with_context(|| format!("describing the evidence of `{step}`"))?;
        self.write_sealed(&self.evidence_path(step), &text)
    }

    #[must_use]
    pub fn evidence_path(&self, step: &str) -> PathBuf {
        self.kept(&format!("{step}.toml"))
    }

    /// The evidence that a step left; an error where there is none.
    pub fn evidence(&self, step: &str) -> Result<Evidence> {
        self.evidence_if_any(step)?.ok_or_else(|| {
            Failure::refused(format!("`{step}` has left no evidence"))
                .hint(format!("`{step}` first: what is asked for stands on it"))
                .into()
        })
    }

    /// Errors: it is not as the step left it.
    pub fn evidence_if_any(&self, step: &str) -> Result<Option<Evidence>> {
        let Some(text) = self.record(&format!("{step}.toml"))? else { return Ok(None) };
        toml::from_str(&text).map(Some).with_context(|| format!("reading the evidence of `{step}`"))
    }

    /// Adds a line to the log for people and programs; never read back for decisions, so that what cannot be written there
    /// (a full disk) takes no verdict along. Written at once: a runner that is killed leaves a whole line or none.
    pub fn log_event(&self, event: &serde_json::Value) {
        let file = fs::File::options().create(true).append(true).open(self.path.join("events.jsonl"));
        let _ = file.and_then(|mut file| file.write_all(format!("{event}\n").as_bytes()));
    }

    /// `logs/NN-step`, the stem of a step's log files.
    #[must_use]
    pub fn log_stem(&self, position: usize, step: &str) -> PathBuf {
        self.path.join("logs").join(format!("{position:02}-{step}"))
    }
}

/// Which format a state says it has, and who wrote it.
#[derive(Deserialize)]
struct Said {
    schema: String,
    #[serde(default)]
    written_by: String,
}

/// The refusal of a text that says it is of a newer version, of this major at least.
fn newer(text: &str, major: u32) -> Option<Failure> {
    let said: Said = toml::from_str(text).ok()?;
    let found = version(&said.schema)?;
    (found > SCHEMA && found.0 >= major).then(|| too_new(&said.schema, &said.written_by))
}

/// The name of the workflow that a damaged state still bears.
fn workflow_in(text: &str) -> Option<&str> {
    let name = text.lines().find_map(|line| line.strip_prefix("workflow = \"")?.strip_suffix('"'))?;
    is_name(name).then_some(name)
}

fn is_no_text(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData)
}

fn version(schema: &str) -> Option<(u32, u32)> {
    let (major, minor) = schema.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn too_new(schema: &str, writer: &str) -> Failure {
    Failure::refused(format!("the state file has schema {schema}, and this program writes {}.{}", SCHEMA.0, SCHEMA.1))
        .detail(format!("it was written by {writer}"))
        .hint("update this program, or finish the run with the version that began it")
}
