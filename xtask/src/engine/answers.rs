//! A person's words: answers to decisions, attestations, accepted findings. Each is bound to what it was said about, and
//! none is taken for a step whose turn has not come.

use anyhow::Result;

use super::person;
use super::runner::unknown_step;
use crate::failure::Failure;
use crate::state::folder::now;
use crate::state::model::{Acceptance, Answer, Attestation, Question, Witness};
use crate::state::{RunFolder, State, Status};
use crate::workflow::{Loaded, command};

/// Who says something, and why.
#[derive(Debug)]
pub struct Word<'a> {
    pub by: &'a str,
    pub text: &'a str,
    /// What shows that a person said it; verified by whoever gives it.
    pub witness: Option<Witness>,
}

/// What can be said for a step.
#[derive(Clone, Copy, Debug)]
pub enum Saying<'a> {
    Answer(usize),
    Attest(&'a str),
    Accept(&'a [String]),
}

/// What is to be signed: the word, its text, and the digest of what it is said about.
pub fn to_sign(loaded: &Loaded, state: &State, step: &str, saying: Saying<'_>, text: &str) -> Result<String> {
    let question = asked(loaded, state, step)?;
    let word = match saying {
        Saying::Answer(option) => format!("answer {option}"),
        Saying::Attest(by) => format!("attest by {by}"),
        Saying::Accept(findings) => format!("accept {}", findings.join(" ")),
    };
    Ok(person::to_sign(state, step, &question.digest, &word, text))
}

pub fn answer(
    loaded: &Loaded,
    folder: &RunFolder,
    state: &mut State,
    step: &str,
    option: usize,
    word: &Word<'_>,
) -> Result<()> {
    let question = asked(loaded, state, step)?;
    if !question.findings.is_empty() {
        return Err(Failure::usage(format!("`{step}` asks about findings, which are accepted by name"))
            .hint(command(&loaded.workflow.name, "accept FINDING --reason TEXT"))
            .into());
    }
    let count = question.options.len();
    if count == 0 {
        let status = state.step.get(step).map_or(Status::Pending, |step| step.status);
        return Err(Failure::refused(format!("`{step}` asks for no decision: it is {}", status.words()))
            .hint(command(&loaded.workflow.name, "status"))
            .into());
    }
    let Some(chosen) = question.options.iter().find(|candidate| candidate.n == option) else {
        return Err(Failure::usage(format!("`{step}` has options 1 to {count}, not {option}"))
            .detail(
                question.options.iter().map(|option| format!("{}  {}\n", option.n, option.label)).collect::<String>(),
            )
            .into());
    };
    require_text(word, "--reason")?;
    person::refuse(loaded, state, step, &format!("answer {step} {option} --reason TEXT"), word.witness.as_ref())?;
    let answer = Answer {
        question: question.id.clone(),
        option,
        label: chosen.label.clone(),
        reason: word.text.to_owned(),
        by: word.by.to_owned(),
        at: now(),
        digest: question.digest.clone(),
        witness: word.witness.clone(),
    };
    let entry = state.step.entry(step.to_owned()).or_default();
    entry.answer = Some(answer);
    entry.status = Status::WaitingDecision;
    folder.save(state)
}

pub fn attest(loaded: &Loaded, folder: &RunFolder, state: &mut State, step: &str, word: &Word<'_>) -> Result<()> {
    let question = asked(loaded, state, step)?;
    require_text(word, "--note")?;
    if state.step.get(step).is_none_or(|step| step.status != Status::WaitingAttestation) {
        return Err(Failure::refused(format!("`{step}` does not wait for an attestation"))
            .hint(command(&loaded.workflow.name, "status"))
            .into());
    }
    person::refuse(loaded, state, step, &format!("attest {step} --by NAME --note TEXT"), word.witness.as_ref())?;
    state.step.entry(step.to_owned()).or_default().attestation = Some(Attestation {
        by: word.by.to_owned(),
        note: word.text.to_owned(),
        at: now(),
        digest: question.digest,
        witness: word.witness.clone(),
    });
    folder.save(state)
}

pub fn accept(
    loaded: &Loaded,
    folder: &RunFolder,
    state: &mut State,
    findings: &[String],
    word: &Word<'_>,
) -> Result<String> {
    let step = asks_about_findings(loaded, state)?;
    require_text(word, "--reason")?;
    let question = asked(loaded, state, &step)?;
    if let Some(unknown) = findings.iter().find(|finding| !question.findings.contains(finding)) {
        return Err(Failure::usage(format!("`{unknown}` is not among the findings of `{step}`"))
            .detail(question.details.join("\n"))
            .into());
    }
    let words = format!("accept {} --reason TEXT", findings.join(" "));
    person::refuse(loaded, state, &step, &words, word.witness.as_ref())?;
    let entry = state.step.entry(step.clone()).or_default();
    for finding in findings {
        entry.accepted.retain(|earlier| earlier.finding != *finding);
        entry.accepted.push(Acceptance {
            finding: finding.clone(),
            reason: word.text.to_owned(),
            by: word.by.to_owned(),
            at: now(),
            digest: question.digest.clone(),
            witness: word.witness.clone(),
        });
    }
    folder.save(state)?;
    Ok(step)
}

/// The step whose findings wait for a word.
pub fn asks_about_findings(loaded: &Loaded, state: &State) -> Result<String> {
    let waits = |id: &&String| {
        state.step.get(*id).is_some_and(|state| {
            state.status == Status::WaitingDecision
                && state.question.as_ref().is_some_and(|question| !question.findings.is_empty())
        })
    };
    let found = loaded.steps().map(|(_, step)| step.id.get_ref()).find(waits);
    found.cloned().ok_or_else(|| nothing_asked(loaded, state, "review", "no step asks about findings now").into())
}

fn require_text(word: &Word<'_>, flag: &str) -> Result<()> {
    if word.text.trim().is_empty() {
        return Err(Failure::usage(format!("`{flag}` is empty: the record needs a few words")).into());
    }
    Ok(())
}

/// The question of a step whose turn has come.
fn asked(loaded: &Loaded, state: &State, step: &str) -> Result<Question> {
    let Some(definition) = loaded.step(step) else { return Err(unknown_step(loaded, step).into()) };
    let missing: Vec<String> = definition
        .needs
        .iter()
        .map(|need| need.get_ref())
        .filter(|need| {
            !state.step.get(*need).is_some_and(|need| matches!(need.status, Status::Passed | Status::Skipped))
        })
        .map(|need| format!("`{need}`"))
        .collect();
    if !missing.is_empty() {
        return Err(Failure::refused(format!("`{step}` cannot be answered yet: {} first", missing.join(", ")))
            .hint(command(&loaded.workflow.name, ""))
            .into());
    }
    let question = state.step.get(step).and_then(|state| state.question.clone());
    question.ok_or_else(|| nothing_asked(loaded, state, step, &format!("`{step}` asks nothing now")).into())
}

/// Refused, and the steps that come first.
fn nothing_asked(loaded: &Loaded, state: &State, step: &str, message: &str) -> Failure {
    let open =
        |id: &&str| !state.step.get(*id).is_some_and(|state| matches!(state.status, Status::Passed | Status::Skipped));
    let ancestors = loaded.ancestors(step);
    let order: Vec<&str> = loaded.in_order().into_iter().map(|step| step.id.get_ref().as_str()).collect();
    let missing: Vec<&str> =
        order.into_iter().filter(|id| *id != step && ancestors.iter().any(|name| name == id)).filter(open).collect();
    let failure = Failure::refused(message.to_owned());
    let failure =
        if missing.is_empty() { failure } else { failure.detail(format!("not passed yet: {}", missing.join(", "))) };
    failure.hint(command(&loaded.workflow.name, "status"))
}
