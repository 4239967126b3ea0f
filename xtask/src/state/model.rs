//! The state file of a run: the one truth about what was proven, asked and answered.
//!
//! Unknown fields are let pass, as nowhere else: the seal shows what another hand wrote, and a newer minor version is read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::workflow::Lane;

/// `major.minor` of the state format. A newer major is refused; a newer minor may be read, never written.
pub const SCHEMA: (u32, u32) = (1, 0);

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    pub schema: String,
    pub run: String,
    /// Told to nobody in advance: what is said of one run is said of no other that bears the same id.
    #[serde(default)]
    pub nonce: String,
    /// Counts the writes.
    pub serial: u64,
    pub written_by: String,
    pub workflow: String,
    /// Of the workflow that the run goes by; its text is kept in the run's folder.
    pub workflow_digest: String,
    /// Digest of that text to the letter: a file that is the same needs no closer look.
    #[serde(default)]
    pub workflow_text: String,
    /// What was said when the workflow file had changed, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workflow_changes: Vec<WorkflowChange>,
    pub base: String,
    /// Steps whose gates the workflow of the base commit leaves to a person; what is said in the work tree only adds to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_person: Vec<String>,
    /// The file of the base commit that says whose signatures count.
    pub signers: String,
    pub branch: String,
    pub title: String,
    pub started: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<String>,
    /// `done`, `reconsidered`, `aborted`: why the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<Lane>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane_reason: Option<String>,
    /// What the person declared at the start, for the actions to read.
    #[serde(default)]
    pub declared: toml::Table,
    /// `step.name` → value, as captured by steps.
    #[serde(default)]
    pub captured: BTreeMap<String, String>,
    #[serde(default)]
    pub step: BTreeMap<String, StepState>,
}

/// A workflow file that is not the one the run began with, and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WorkflowChange {
    /// Of the changed file.
    pub digest: String,
    /// Whether the run goes by it, or finishes on the one before.
    pub adopted: bool,
    pub reason: String,
    pub by: String,
    pub at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    #[default]
    Pending,
    Running,
    Passed,
    Failed,
    Interrupted,
    WaitingEdit,
    WaitingDecision,
    WaitingAttestation,
    Skipped,
    Stale,
}

impl State {
    /// A step that is `running` while no runner is at work was interrupted, whatever it did. Says whether there was one.
    pub fn interrupt_running(&mut self) -> bool {
        let mut found = false;
        for step in self.step.values_mut().filter(|step| step.status == Status::Running) {
            step.status = Status::Interrupted;
            step.reason = Some("its runner ended before it did".to_owned());
            found = true;
        }
        found
    }
}

impl Status {
    #[must_use]
    pub fn is_waiting(self) -> bool {
        matches!(self, Status::WaitingEdit | Status::WaitingDecision | Status::WaitingAttestation)
    }

    /// For the terminal and the JSON interface: `waiting (decision)`.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Running => "running",
            Status::Passed => "passed",
            Status::Failed => "failed",
            Status::Interrupted => "interrupted",
            Status::WaitingEdit => "waiting (edit)",
            Status::WaitingDecision => "waiting (decision)",
            Status::WaitingAttestation => "waiting (attestation)",
            Status::Skipped => "skipped",
            Status::Stale => "stale",
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StepState {
    pub status: Status,
    /// Why it was skipped, what it waits for, or how it failed: one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was proven, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    #[serde(default)]
    pub seconds: f64,
    /// Process id of the runner that is, or was, at work on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner: Option<u32>,
    /// Digest of what was proven and of the answers it stands on; dependents carry it in their keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// Digest of the evidence file as the step left it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Question>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Acceptance>,
    /// The freshness key, part by part, so that a difference can be shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub key: BTreeMap<String, String>,
}

/// What a waiting step asks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Question {
    /// `breaking-change`, `type-errors`, …; for an attestation or an edit the step's own id.
    pub id: String,
    pub text: String,
    /// What the question stands on, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// Stands behind the options: "How should we proceed?"
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<QuestionOption>,
    /// Findings to accept by name, where the question is about findings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// Digest of what is asked about: an answer to something else doesn't count.
    pub digest: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QuestionOption {
    pub n: usize,
    pub label: String,
    pub leads_to: String,
    pub then: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    pub question: String,
    pub option: usize,
    pub label: String,
    pub reason: String,
    pub by: String,
    pub at: String,
    pub digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}

/// What shows that a person said it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Witness {
    /// It was said at a terminal.
    Terminal,
    /// It was signed by this principal of the base commit's allowed signers.
    Signature { principal: String, signature: String },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attestation {
    pub by: String,
    pub note: String,
    pub at: String,
    pub digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Acceptance {
    pub finding: String,
    pub reason: String,
    pub by: String,
    pub at: String,
    /// Digest of the content in which it was accepted.
    pub digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
}
