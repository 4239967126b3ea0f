//! A run in the library with a host whose actions do as the test says: what needs no process is tried without one.
//!
//! Each [`Lab::go`] loads the state from disk and goes as far as it can, as a new process would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Result;
use xtask::digest;
use xtask::engine::answers::{self, Word};
use xtask::engine::runner::{Engine, Stop};
use xtask::engine::{Display, Event, Host, Outcome, StepContext, raise_lane};
use xtask::failure::{Failure, Kind};
use xtask::process::Mask;
use xtask::state::model::Witness;
use xtask::state::{Evidence, Home, RunFolder, State, Status, StepState};
use xtask::workflow::load::{load, path_of};
use xtask::workflow::{Catalogue, Lane, Loaded};

use crate::harness::Repo;

type Act = Box<dyn Fn(&StepContext<'_>) -> Result<Outcome> + Send>;

/// A repo with one open run of `workflows/lab.toml`, whose steps use the action `act`.
pub struct Lab {
    pub repo: Repo,
    /// What shows that a person speaks.
    pub witness: Option<Witness>,
    host: Fake,
}

#[derive(Default)]
struct Fake {
    acts: Mutex<BTreeMap<String, Act>>,
    did: Mutex<Vec<String>>,
}

impl Lab {
    pub fn new(steps: &str) -> Self {
        let repo = Repo::new();
        repo.workflow("lab", steps);
        let lab = Lab { repo, witness: None, host: Fake::default() };
        let folder = lab.folder();
        folder.create().unwrap();
        folder.save(&mut new_state(&lab.loaded())).unwrap();
        lab
    }

    /// Says what the action of a step does; without it, it passes and proves nothing in particular.
    pub fn on(&self, step: &str, act: impl Fn(&StepContext<'_>) -> Result<Outcome> + Send + 'static) {
        self.host.acts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(step.to_owned(), Box::new(act));
    }

    pub fn loaded(&self) -> Loaded {
        load(&path_of(&self.repo.root(), "lab"), &catalogue()).unwrap()
    }

    pub fn folder(&self) -> RunFolder {
        Home::at(&self.repo.root()).run("lab-1")
    }

    pub fn state(&self) -> State {
        self.folder().load().unwrap()
    }

    pub fn step(&self, id: &str) -> StepState {
        self.state().step.get(id).cloned().unwrap_or_default()
    }

    pub fn status(&self, id: &str) -> Status {
        self.step(id).status
    }

    /// Goes as far as it can; the steps whose actions ran, and where it stopped.
    pub fn go(&self) -> (String, Stop) {
        self.go_with(1)
    }

    /// As [`Lab::go`], with so many steps at once.
    pub fn go_with(&self, jobs: usize) -> (String, Stop) {
        let loaded = self.loaded();
        let root = self.repo.root();
        let (folder, state) = (self.folder(), self.state());
        let mut engine = Engine {
            loaded: &loaded,
            host: &self.host,
            display: Arc::new(Silent),
            root: &root,
            folder,
            state,
            jobs: Some(jobs),
            lock: None,
        };
        let stop = engine.run(None).unwrap();
        (self.host.did.lock().unwrap().drain(..).collect::<Vec<_>>().join(" "), stop)
    }

    /// As [`Lab::go`], where it has to stop: the kind of the failure, and the step.
    #[track_caller]
    pub fn held(&self) -> (String, Kind, String) {
        match self.go() {
            (did, Stop::Held { step, failure, .. }) => (did, failure.kind, step),
            (_, other) => panic!("it was not held up: {other:?}"),
        }
    }

    #[track_caller]
    pub fn done(&self) -> String {
        match self.go() {
            (did, Stop::Done) => did,
            (_, other) => panic!("it did not come to its end: {other:?}"),
        }
    }

    pub fn answer(&self, step: &str, option: usize) -> Result<(), Failure> {
        self.say(|loaded, folder, state, word| answers::answer(loaded, folder, state, step, option, word))
    }

    pub fn attest(&self, step: &str) -> Result<(), Failure> {
        self.say(|loaded, folder, state, word| answers::attest(loaded, folder, state, step, word))
    }

    pub fn accept(&self, finding: &str) -> Result<(), Failure> {
        self.say(|loaded, folder, state, word| {
            answers::accept(loaded, folder, state, &[finding.to_owned()], word).map(|_| ())
        })
    }

    fn say(&self, say: impl FnOnce(&Loaded, &RunFolder, &mut State, &Word<'_>) -> Result<()>) -> Result<(), Failure> {
        let word = Word { by: "Ada", text: "because", witness: self.witness.clone() };
        say(&self.loaded(), &self.folder(), &mut self.state(), &word).map_err(|error| Failure::from_error(&error))
    }

    pub fn lane(&self, lane: Lane) {
        let mut state = self.state();
        raise_lane(&mut state, lane, "as the test says");
        self.folder().save(&mut state).unwrap();
    }
}

/// A step that uses the action `act`.
pub fn act(id: &str, needs: &[&str], rest: &str) -> String {
    crate::harness::step(id, needs, &format!("uses = \"act\"\n{rest}"))
}

fn catalogue() -> Catalogue {
    Catalogue { actions: vec![("act", &["value"])], ..Catalogue::default() }
}

fn new_state(loaded: &Loaded) -> State {
    State {
        schema: "1.0".to_owned(),
        run: "lab-1".to_owned(),
        nonce: String::new(),
        serial: 0,
        written_by: String::new(),
        workflow: "lab".to_owned(),
        workflow_digest: loaded.digest().to_owned(),
        workflow_text: String::new(),
        workflow_changes: Vec::new(),
        base: "0000000000000000000000000000000000000000".to_owned(),
        by_person: Vec::new(),
        signers: String::new(),
        branch: "main".to_owned(),
        title: "A run".to_owned(),
        started: "2026-01-01T00:00:00Z".to_owned(),
        ended: None,
        outcome: None,
        lane: None,
        lane_reason: None,
        declared: toml::Table::new(),
        captured: BTreeMap::new(),
        step: BTreeMap::new(),
    }
}

impl Host for Fake {
    fn test_counts(&self, report: &str) -> Result<(usize, usize, usize)> {
        let counts = xtask::code::junit::parse(report)?.counts();
        Ok((counts.passed + counts.failed, counts.failed, counts.skipped))
    }

    fn act(&self, _: &str, context: &StepContext<'_>) -> Result<Outcome> {
        self.did.lock().unwrap().push(context.id().to_owned());
        match self.acts.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(context.id()) {
            Some(act) => act(context),
            None => Ok(Outcome::Passed(Evidence::new("passed"))),
        }
    }

    fn digest(&self, file: &Path) -> Result<String> {
        digest::of_file(file)
    }

    fn probe(&self, probe: &str) -> Result<String> {
        Ok(probe.to_owned())
    }

    fn tool(&self, name: &str) -> Result<(PathBuf, String)> {
        Ok((name.into(), "1.0".to_owned()))
    }

    fn base_tree(&self, _: &StepContext<'_>) -> Result<PathBuf> {
        anyhow::bail!("no test asks for the base")
    }

    fn env(&self, _: &str) -> Option<String> {
        None
    }

    fn holds(&self, _: &str, _: &str) -> Result<bool> {
        Ok(true)
    }

    fn mask(&self) -> Mask {
        Mask::default()
    }
}

struct Silent;

impl Display for Silent {
    fn event(&self, _: &Event<'_>) {}
}
