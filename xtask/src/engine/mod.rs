//! Order, freshness, gates and resumption. Knows steps and their states; knows nothing of databases, Drizzle or TypeScript:
//! those come in through [`Host`], and a test can be a host of its own.

pub mod adoption;
pub mod answers;
pub mod command;
pub mod context;
pub mod difference;
mod edits;
pub mod files;
mod hidden;
pub mod key;
pub mod person;
pub mod plan;
pub mod precondition;
mod question;
pub mod runner;
mod schedule;
mod settle;
pub mod view;

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

use anyhow::Result;

pub use context::StepContext;

use crate::failure::Failure;
use crate::process::Mask;
use crate::state::{Evidence, State};
use crate::workflow::{Lane, Loaded, Step};

/// What the engine asks of the world around it.
pub trait Host: Sync {
    /// Runs a built-in action.
    fn act(&self, action: &str, context: &StepContext<'_>) -> Result<Outcome>;
    /// The content of a file as far as freshness goes: comments of a programming language may be left out.
    fn digest(&self, file: &Path) -> Result<String>;
    /// The same for a file of which this is known, where the content need not be read for it.
    fn known(&self, _file: &Path, _found: &Metadata) -> Option<String> {
        None
    }
    /// The branch that is checked out now; none where that says nothing about the run.
    fn branch(&self) -> Option<String> {
        None
    }
    /// A run begins: what is read from here on may be kept for the next one, until [`Host::stopped`].
    fn opened(&self) {}
    /// A run goes no further for now.
    fn stopped(&self) {}
    /// A digest of outside state, such as `database:dev`.
    fn probe(&self, probe: &str) -> Result<String>;
    /// What the digest of a probe that was asked stands for, as lines.
    fn probe_text(&self, _probe: &str) -> Option<String> {
        None
    }
    /// Where a tool is, and its version.
    fn tool(&self, name: &str) -> Result<(PathBuf, String)>;
    /// A folder that holds the base commit, ready to run commands in; made where it is not there, which takes its time.
    fn base_tree(&self, context: &StepContext<'_>) -> Result<PathBuf>;
    /// The value of an environment name as the workflow's commands see it (process environment, then `.env` files).
    fn env(&self, name: &str) -> Option<String>;
    /// The environment of a workflow's own command, which names these.
    fn command_env(&self, names: &[&String]) -> BTreeMap<String, String> {
        names.iter().filter_map(|name| Some(((*name).clone(), self.env(name)?))).collect()
    }
    /// Whether a query on a target says true.
    fn holds(&self, target: &str, query: &str) -> Result<bool>;
    /// What an action reads from the workflow file beside its own step, as part of the freshness key.
    fn settings(&self, _action: &str) -> Option<String> {
        None
    }
    /// The commands that an action's work runs, for the plan; `(…)` says where.
    fn commands(&self, _action: &str, _step: &Step) -> Vec<String> {
        Vec::new()
    }
    /// The commands that making the base's tree takes, where it is not there yet.
    fn base_commands(&self, _base: &str) -> Vec<String> {
        Vec::new()
    }
    /// Tests that ran, failed and were skipped, as a JUnit report says.
    fn test_counts(&self, report: &str) -> Result<(usize, usize, usize)>;
    /// The secrets of this run.
    fn mask(&self) -> Mask;
}

/// How a step's work ended, if it did not fail.
#[derive(Debug)]
pub enum Outcome {
    Passed(Evidence),
    /// Nothing to prove here, and why.
    Skipped(String),
    /// A person has to edit something first.
    Edit {
        message: String,
        details: Vec<String>,
        evidence: Evidence,
    },
    /// The step's `decision` has to be taken; `failure` is what led to it, where something failed.
    Decide {
        values: Vec<(String, String)>,
        details: Vec<String>,
        failure: Option<Failure>,
        evidence: Evidence,
    },
    /// This step may not go on, because what an earlier one left no longer serves: that one is stale now, and why.
    Outdated {
        step: String,
        failure: Failure,
    },
    /// Findings that only a person may accept, by name.
    Accept {
        findings: Vec<(String, String)>,
        digest: String,
        evidence: Evidence,
    },
    /// A person has to say that something was done; `digest` is what the word is about.
    Attest {
        text: String,
        details: Vec<String>,
        digest: String,
        evidence: Evidence,
    },
}

/// What happens, for whoever shows it.
#[derive(Debug)]
pub enum Event<'a> {
    Opened {
        loaded: &'a Loaded,
        state: &'a State,
    },
    Started {
        phase: &'a str,
        step: &'a Step,
    },
    /// What a running step is about to do, in its own words.
    Doing {
        step: &'a str,
        text: &'a str,
    },
    /// What a person should know about a step, whatever comes of it.
    Note {
        step: &'a str,
        text: &'a str,
    },
    /// The last line that a command of a running step printed.
    Line {
        step: &'a str,
        text: &'a str,
    },
    Ended {
        phase: &'a str,
        step: &'a str,
        status: crate::state::Status,
        summary: &'a str,
        seconds: f64,
        fresh: bool,
    },
    /// A step that had passed does not hold any more, and why.
    Stale {
        phase: &'a str,
        step: &'a str,
        reason: &'a str,
    },
    /// The run goes no further for now; none where the engine itself could not.
    Stopped {
        stop: Option<&'a runner::Stop>,
    },
}

/// Shows events; never decides anything.
pub trait Display: Send + Sync {
    fn event(&self, event: &Event<'_>);
}

/// Sets the lane, which can be raised and never lowered.
pub fn raise_lane(state: &mut State, lane: Lane, reason: &str) {
    if state.lane.is_none_or(|present| lane > present) {
        state.lane = Some(lane);
        state.lane_reason = Some(reason.to_owned());
    }
}
