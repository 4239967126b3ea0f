//! A run as it stands, for `status`, `why` and programs: data first, text second.

use serde::Serialize;

use super::person;
use crate::state::model::Witness;
use crate::state::{State, Status};
use crate::workflow::{Loaded, command};

/// `db-change status --json`.
#[derive(Debug, Serialize)]
pub struct View {
    pub schema: &'static str,
    pub run: String,
    pub change: Change,
    pub lane: Option<String>,
    pub phases: Vec<PhaseView>,
    pub next: Option<NextView>,
}

#[derive(Debug, Serialize)]
pub struct Change {
    pub title: String,
    pub branch: String,
    pub base: String,
    pub started: String,
    pub outcome: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct PhaseView {
    pub id: String,
    pub title: String,
    pub steps: Vec<StepView>,
}

#[derive(Debug, Serialize)]
pub struct StepView {
    pub id: String,
    pub title: String,
    pub status: &'static str,
    pub summary: String,
    pub reason: Option<String>,
    pub seconds: f64,
    pub waits_for: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub struct NextView {
    pub step: String,
    pub kind: &'static str,
    pub by: &'static str,
    pub question: Option<String>,
    pub details: Vec<String>,
    pub options: Vec<OptionView>,
    pub ask: Option<String>,
    pub findings: Vec<String>,
    pub command: String,
}

#[derive(Debug, Serialize)]
pub struct OptionView {
    pub n: usize,
    pub label: String,
    pub leads_to: String,
}

#[must_use]
pub fn of(loaded: &Loaded, state: &State) -> View {
    let phases = loaded.workflow.phase.iter().map(|phase| PhaseView {
        id: phase.id.get_ref().clone(),
        title: phase.title.clone(),
        steps: phase.step.iter().map(|step| step_view(step, state)).collect(),
    });
    View {
        schema: "1.0",
        run: state.run.clone(),
        change: Change {
            title: state.title.clone(),
            branch: state.branch.clone(),
            base: state.base.clone(),
            started: state.started.clone(),
            outcome: state.outcome.clone(),
        },
        lane: state.lane.map(|lane| lane.to_string()),
        phases: phases.collect(),
        next: next(loaded, state),
    }
}

fn step_view(step: &crate::workflow::Step, state: &State) -> StepView {
    let present = state.step.get(step.id.get_ref()).cloned().unwrap_or_default();
    StepView {
        id: step.id.get_ref().clone(),
        title: step.title.clone(),
        status: present.status.words(),
        summary: present.summary,
        reason: present.reason,
        seconds: (present.seconds * 1000.0).round() / 1000.0,
        waits_for: match present.status {
            Status::WaitingEdit => Some("edit"),
            Status::WaitingDecision => Some("decision"),
            Status::WaitingAttestation => Some("attestation"),
            _ => None,
        },
    }
}

/// What has to happen next; none where the run has ended.
#[must_use]
pub fn next(loaded: &Loaded, state: &State) -> Option<NextView> {
    if state.ended.is_some() {
        return None;
    }
    let open =
        |id: &String| !state.step.get(id).is_some_and(|state| matches!(state.status, Status::Passed | Status::Skipped));
    let step = loaded.in_order().into_iter().map(|step| step.id.get_ref()).find(|id| open(id))?;
    Some(at(loaded, state, step))
}

/// What has to happen at this step.
#[must_use]
pub fn at(loaded: &Loaded, state: &State, step: &str) -> NextView {
    let present = state.step.get(step).cloned().unwrap_or_default();
    let asked_of_a_person = person::needed_for(loaded, state, step);
    let by = if asked_of_a_person { "person" } else { "anyone" };
    let by_right = |witness: &Option<Witness>| !asked_of_a_person || witness.is_some();
    let question = present.question.filter(|_| present.status.is_waiting());
    let answered = match present.status {
        Status::WaitingDecision => question.as_ref().is_some_and(|question| {
            let accepted = |finding: &String| {
                present
                    .accepted
                    .iter()
                    .any(|word| word.finding == *finding && word.digest == question.digest && by_right(&word.witness))
            };
            let by_answer = present
                .answer
                .as_ref()
                .is_some_and(|answer| answer.digest == question.digest && by_right(&answer.witness));
            by_answer || (!question.findings.is_empty() && question.findings.iter().all(accepted))
        }),
        Status::WaitingAttestation => {
            let said = present.attestation.as_ref().filter(|word| by_right(&word.witness));
            said.map(|word| &word.digest) == question.as_ref().map(|question| &question.digest)
        }
        _ => false,
    };
    let word = |words: &str| command(&loaded.workflow.name, words);
    let go_on = word("");
    let (kind, by, command) = match present.status {
        _ if answered => ("run", "anyone", go_on),
        Status::WaitingDecision if question.as_ref().is_some_and(|question| !question.findings.is_empty()) => {
            let names = question.as_ref().map(|question| question.findings.join(" ")).unwrap_or_default();
            ("decision", by, word(&format!("accept {names} --reason TEXT")))
        }
        Status::WaitingDecision => ("decision", by, word(&format!("answer {step} N --reason TEXT"))),
        Status::WaitingAttestation => ("attestation", by, word(&format!("attest {step} --by NAME --note TEXT"))),
        Status::WaitingEdit => ("edit", "anyone", go_on),
        _ => ("run", "anyone", go_on),
    };
    let options = question.iter().flat_map(|question| &question.options);
    NextView {
        step: step.to_owned(),
        kind,
        by,
        details: question.as_ref().map(|question| question.details.clone()).unwrap_or_default(),
        options: options
            .map(|option| OptionView { n: option.n, label: option.label.clone(), leads_to: option.leads_to.clone() })
            .collect(),
        findings: question.as_ref().map(|question| question.findings.clone()).unwrap_or_default(),
        ask: question.as_ref().and_then(|question| question.ask.clone()),
        question: question.map(|question| question.text),
        command,
    }
}
