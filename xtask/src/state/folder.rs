//! Where runs live: `.db-change/` at the repo's root, with one folder per run.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::durable;
use super::model::{SCHEMA, State};
use crate::digest;
use crate::failure::Failure;

/// `.db-change/`
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
}

/// `.db-change/runs/<id>/`
#[derive(Clone, Debug)]
pub struct RunFolder {
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
        RunFolder { path: self.path.join("runs").join(id) }
    }

    /// The folder of a step that is tried out of its turn: no run's, so that nothing in it counts.
    #[must_use]
    pub fn experiment(&self, step: &str) -> RunFolder {
        RunFolder { path: self.path.join("experiments").join(step) }
    }

    /// Every run, oldest first. A state that cannot be read is an error: it is never taken for "no run".
    pub fn runs(&self) -> Result<Vec<(RunFolder, State)>> {
        let Ok(entries) = fs::read_dir(self.path.join("runs")) else { return Ok(Vec::new()) };
        let mut runs = Vec::new();
        for entry in entries {
            let folder = RunFolder { path: entry.context("listing the runs")?.path() };
            if folder.state_path().exists() {
                let state = folder.load()?;
                runs.push((folder, state));
            }
        }
        runs.sort_by(|(_, a), (_, b)| (&a.started, &a.run).cmp(&(&b.started, &b.run)));
        Ok(runs)
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
        (1..).map(|n| format!("{slug}-{n}")).find(|id| !self.run(id).path.exists()).unwrap_or_default()
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

    /// Errors: unreadable, not TOML, or written by a newer version.
    pub fn load(&self) -> Result<State> {
        let path = self.state_path();
        let text = fs::read_to_string(&path).with_context(|| format!("reading the state file `{}`", path.display()))?;
        let damaged = |reason: String| {
            Failure::refused(format!("the state file `{}` cannot be trusted", path.display()))
                .detail(reason)
                .hint("move the run's folder away and start again: `cargo xtask db-change`; nothing outside it is lost")
        };
        let table: toml::Table = toml::from_str(&text).map_err(|error| damaged(error.message().to_owned()))?;
        let schema = table.get("schema").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        let writer = table.get("written_by").and_then(toml::Value::as_str).unwrap_or("a newer version").to_owned();
        let newer = version(&schema).is_some_and(|version| version > SCHEMA);
        if version(&schema).is_some_and(|(major, _)| major > SCHEMA.0) {
            return Err(too_new(&schema, &writer).into());
        }
        // A newer minor is read where it says nothing that we don't know.
        toml::from_str(&text).map_err(|error| match newer {
            true => too_new(&schema, &writer).into(),
            false => damaged(error.message().to_owned()).into(),
        })
    }

    /// Writes the state, durably; the serial grows with every write. A state of a newer version is left alone.
    pub fn save(&self, state: &mut State) -> Result<()> {
        if version(&state.schema).is_some_and(|version| version > SCHEMA) {
            return Err(too_new(&state.schema, &state.written_by).into());
        }
        state.serial += 1;
        state.written_by = env!("CARGO_PKG_VERSION").to_owned();
        let text = toml::to_string(state).context("describing the state")?;
        durable::write(&self.state_path(), text.as_bytes())
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

    pub fn save_evidence(&self, step: &str, evidence: &Evidence) -> Result<()> {
        let text = toml::to_string(evidence).with_context(|| format!("describing the evidence of `{step}`"))?;
        durable::write(&self.kept(&format!("{step}.toml")), text.as_bytes())
    }

    /// The evidence that a step left; an error where there is none.
    pub fn evidence(&self, step: &str) -> Result<Evidence> {
        let path = self.kept(&format!("{step}.toml"));
        let text = fs::read_to_string(&path).with_context(|| format!("reading the evidence of `{step}`"))?;
        toml::from_str(&text).with_context(|| format!("reading the evidence of `{step}`"))
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

fn version(schema: &str) -> Option<(u32, u32)> {
    let (major, minor) = schema.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn too_new(schema: &str, writer: &str) -> Failure {
    Failure::refused(format!("the state file has schema {schema}, and this program writes {}.{}", SCHEMA.0, SCHEMA.1))
        .detail(format!("it was written by {writer}"))
        .hint("update this program, or finish the run with the version that began it")
}
