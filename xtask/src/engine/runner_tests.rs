//! The runner with a host that has nothing: steps of plain commands.

use std::path::PathBuf;

use super::*;
use crate::engine::{Outcome, StepContext};
use crate::process::Mask;
use crate::state::Home;
use crate::workflow::{self, Catalogue};

struct Nothing;

impl Host for Nothing {
    fn act(&self, action: &str, _: &StepContext<'_>) -> Result<Outcome> {
        anyhow::bail!("no action here: {action}")
    }
    fn digest(&self, file: &Path) -> Result<String> {
        digest::of_file(file)
    }
    fn probe(&self, probe: &str) -> Result<String> {
        anyhow::bail!("no probe here: {probe}")
    }
    fn tool(&self, name: &str) -> Result<(PathBuf, String)> {
        anyhow::bail!("no tool here: {name}")
    }
    fn base_tree(&self, _: &StepContext<'_>) -> Result<PathBuf> {
        anyhow::bail!("no tree here")
    }
    fn env(&self, _: &str) -> Option<String> {
        None
    }
    fn holds(&self, _: &str, query: &str) -> Result<bool> {
        anyhow::bail!("no database here: {query}")
    }
    fn test_counts(&self, _: &str) -> Result<(usize, usize, usize)> {
        anyhow::bail!("no report here")
    }
    fn mask(&self) -> Mask {
        Mask::default()
    }
}

impl Display for Nothing {
    fn event(&self, _: &Event<'_>) {}
}

#[test]
fn a_step_that_passes_is_written_once_before_its_work_and_once_after() {
    let root = tempfile::tempdir().unwrap();
    let text = "schema = \"1.0\"\nname = \"w\"\n[[phase]]\nid = \"p\"\ntitle = \"P\"\n\
                [[phase.step]]\nid = \"one\"\ntitle = \"One\"\nrun = [\"true\"]\n";
    let catalogue = Catalogue::default();
    let loaded = workflow::load::parse(Path::new("w.toml"), text, &catalogue).unwrap();
    let folder = Home::at(root.path()).run("w-1");
    folder.create().unwrap();
    let state = "schema = \"1.0\"\nrun = \"w-1\"\nserial = 0\nwritten_by = \"\"\nworkflow = \"w\"\nworkflow_digest = \"\"\n\
                 base = \"\"\nsigners = \"\"\nbranch = \"main\"\ntitle = \"w\"\nstarted = \"\"\n";
    let state = toml::from_str(state).unwrap();
    let mut engine = Engine {
        loaded: &loaded,
        host: &Nothing,
        display: Arc::new(Nothing),
        root: root.path(),
        folder: folder.clone(),
        state,
        jobs: Some(1),
        lock: None,
    };
    assert!(matches!(engine.run(Some("one")).unwrap(), Stop::Done));
    let events = std::fs::read_to_string(folder.path().join("events.jsonl")).unwrap();
    let status = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["status"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(events.lines().map(status).collect::<Vec<_>>(), ["running", "passed"]);
    let written = folder.load().unwrap();
    assert_eq!((written.serial, written.step["one"].status), (2, Status::Passed));
    let proven = folder.evidence("one").unwrap();
    assert_eq!(written.step["one"].evidence.as_deref(), Some(proven.digest().as_str()));
}
