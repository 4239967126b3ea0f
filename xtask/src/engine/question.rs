//! The question that a waiting step puts: its text, its options, and the digest that binds an answer to it.

use anyhow::Result;

use super::Outcome;
use crate::digest;
use crate::failure::Failure;
use crate::state::model::{Question, QuestionOption};
use crate::state::{Evidence, Status, StepState};
use crate::workflow::Step;
use crate::workflow::load::expand;
use crate::workflow::model::Decision;

/// What is asked, and what it stands on.
pub(super) struct Asked {
    pub(super) status: Status,
    pub(super) evidence: Evidence,
    pub(super) question: Question,
    /// What led to it, where something failed.
    pub(super) failure: Option<Failure>,
}

pub(super) fn of(step: &Step, outcome: Outcome, earlier: &StepState) -> Result<Asked> {
    let id = step.id.get_ref();
    Ok(match outcome {
        Outcome::Edit { message, details, evidence } => {
            let question =
                Question { id: id.clone(), digest: evidence.digest(), text: message, details, ..Question::default() };
            Asked { status: Status::WaitingEdit, evidence, question, failure: None }
        }
        Outcome::Attest { text, details, digest, evidence } => {
            let question = Question { id: id.clone(), text, details, digest, ..Question::default() };
            Asked { status: Status::WaitingAttestation, evidence, question, failure: None }
        }
        Outcome::Accept { findings, digest, evidence } => {
            let count = findings.len();
            let question = Question {
                id: "findings".to_owned(),
                text: format!(
                    "{count} finding{} to accept by name, or the migration changes",
                    if count == 1 { "" } else { "s" }
                ),
                details: findings.iter().map(|(name, text)| format!("{name}  {text}")).collect(),
                findings: findings.into_iter().map(|(name, _)| name).collect(),
                digest,
                ..Question::default()
            };
            Asked { status: Status::WaitingDecision, evidence, question, failure: None }
        }
        Outcome::Decide { values, details, failure, evidence } => {
            let decision = step.decision.as_ref().ok_or_else(|| {
                Failure::usage(format!("step `{id}` has a question and the workflow file has no `decision` for it"))
                    .hint("take the `[phase.step.decision]` of this step from the workflow file of this project")
            })?;
            let values = values.into_iter().collect();
            let options: Vec<QuestionOption> = decision
                .options
                .get_ref()
                .iter()
                .enumerate()
                .map(|(index, option)| QuestionOption {
                    n: index + 1,
                    label: option.label.clone(),
                    leads_to: expand(&option.leads_to, &values),
                    then: option.then.get_ref().clone(),
                })
                .collect();
            // A step that has passed since has no question: what was chosen then is done.
            let chosen_edit = earlier.answer.as_ref().filter(|answer| {
                let still = earlier.question.as_ref().is_some_and(|question| question.digest == answer.digest);
                still && options.iter().any(|option| option.n == answer.option && option.then == "edit")
            });
            let text = expand(&decision.question, &values);
            // Someone who chose to mend it is not asked again for each thing still to mend.
            let (status, digest) = match chosen_edit {
                Some(answer) => (Status::WaitingEdit, answer.digest.clone()),
                None => (Status::WaitingDecision, of_question(decision, &text, &options, &evidence)),
            };
            let (id, ask) = (decision.id.clone(), decision.ask.clone());
            let question = Question { id, text, details, options, ask, findings: Vec::new(), digest };
            Asked { status, evidence, question, failure }
        }
        Outcome::Passed(_) | Outcome::Skipped(_) | Outcome::Outdated { .. } => {
            anyhow::bail!("step `{id}` does not wait")
        }
    })
}

/// An answer is a number: what it means is part of what was asked.
fn of_question(decision: &Decision, text: &str, options: &[QuestionOption], evidence: &Evidence) -> String {
    let options: String =
        options.iter().map(|option| format!("{} {} {}\n", option.n, option.label, option.then)).collect();
    let ask = decision.ask.as_deref().unwrap_or_default();
    let parts = [&decision.id, text, ask, &options, &evidence.digest()];
    digest::of_parts(parts.map(str::as_bytes))
}
