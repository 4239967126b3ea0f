//! What comes of a step's work: passed with its proof, failed, or waiting for a person; written before anything else begins.

use anyhow::Result;

use super::files::{self, Seen};
use super::key::{self, Ask, Key, Parts};
use super::question::{self, Asked};
use super::runner::{Engine, Next};
use super::{Outcome, difference, person};
use crate::digest;
use crate::failure::{Failure, Kind};
use crate::process::interrupt;
use crate::state::model::Answer;
use crate::state::{Evidence, Status};
use crate::workflow::Step;

impl Engine<'_> {
    /// A step that promises files and leaves none has not passed.
    pub(super) fn with_outputs(&self, step: &Step, outcome: Outcome) -> Result<Outcome> {
        if matches!(outcome, Outcome::Passed(_)) {
            for pattern in &step.outputs {
                if files::files(self.root, pattern)?.is_empty() {
                    let failure =
                        Failure::step(format!("step `{}` left no file that matches `{pattern}`", step.id.get_ref()));
                    return Err(failure.hint("see `outputs` of the step in the workflow file").into());
                }
            }
        }
        Ok(outcome)
    }

    /// What the step stood on, with the files that it wrote itself as it left them.
    pub(super) fn parts_after(&self, step: &Step, before: Parts) -> Result<Parts> {
        if step.outputs.is_empty() {
            return Ok(before);
        }
        let after = key::of(step, self.loaded, &self.state, self.root, self.host, Ask::Nothing, &mut Seen::default())?;
        Ok(before.with_own(&after, &key::outputs(step, self.root, self.host)?))
    }

    /// `alone`: no other step is at work, so that an answer can be followed wherever it leads.
    pub(super) fn settle(
        &mut self,
        step: &Step,
        outcome: Result<Outcome>,
        parts: &Parts,
        seconds: f64,
        alone: bool,
    ) -> Result<Next> {
        let id = step.id.get_ref().clone();
        let mut left = None;
        let (status, summary, proof, next) = match outcome {
            Ok(Outcome::Passed(evidence)) => {
                self.capture(&id, &evidence);
                left = Some(self.folder.save_evidence(&id, &evidence)?);
                let proof = proof(&evidence, None);
                difference::keep_proof(&proof, &evidence, None, &self.kept());
                difference::keep(step, self.loaded, parts, self.root, self.host, &self.kept());
                (Status::Passed, evidence.summary, Some(proof), Next::On)
            }
            Ok(Outcome::Skipped(reason)) => (Status::Skipped, reason, Some(digest::of("skipped")), Next::On),
            Ok(Outcome::Outdated { step: earlier, failure }) => {
                self.change(&earlier, |state| {
                    state.status = Status::Stale;
                    state.reason = Some(failure.message.clone());
                    state.key.clear();
                })?;
                (Status::Failed, failure.message.clone(), None, Next::Hold(failure))
            }
            Ok(waiting) => return self.wait(step, waiting, parts, seconds, alone),
            Err(error) => {
                let failure = Failure::from_error(&error);
                (Status::Failed, failure.message.clone(), None, Next::Hold(failure))
            }
        };
        let interrupted = status == Status::Failed && interrupt::requested();
        let status = if interrupted { Status::Interrupted } else { status };
        self.change(&id, |state| {
            state.status = status;
            state.evidence = proof;
            state.left = left;
            if status == Status::Passed {
                state.question = None;
            }
            state.seconds = seconds;
            state.summary = summary.clone();
            state.reason = (status != Status::Passed).then(|| summary.clone());
            state.key = if matches!(status, Status::Passed | Status::Skipped) { parts.key() } else { Key::new() };
        })?;
        self.show_end(step, status, &summary, seconds, false);
        Ok(next)
    }

    fn wait(&mut self, step: &Step, outcome: Outcome, parts: &Parts, seconds: f64, alone: bool) -> Result<Next> {
        let id = step.id.get_ref().clone();
        let earlier = self.state.step.get(&id).cloned().unwrap_or_default();
        let Asked { status, evidence, question, failure } = question::of(step, outcome, &earlier)?;
        let left = self.folder.save_evidence(&id, &evidence)?;
        difference::keep(step, self.loaded, parts, self.root, self.host, &self.kept());
        let summary = question.text.lines().next().unwrap_or_default().to_owned();
        let asked_of_a_person = person::needed(step, &self.state);
        let counts = |answer: &Answer| !asked_of_a_person || answer.witness.is_some();
        self.change(&id, |state| {
            state.status = status;
            state.seconds = seconds;
            state.summary = evidence.summary.clone();
            state.reason = Some(summary.clone());
            let is_for_this = |answer: &Answer| answer.digest == question.digest && counts(answer);
            if status == Status::WaitingDecision && state.answer.as_ref().is_some_and(|answer| !is_for_this(answer)) {
                state.answer = None;
            }
            state.question = Some(question.clone());
            state.left = Some(left);
            state.key = parts.key();
        })?;
        let present = self.state.step.get(&id).and_then(|state| state.answer.clone());
        if status == Status::WaitingDecision
            && question.findings.is_empty()
            && let Some(answer) = present
        {
            if !alone {
                return Ok(Next::Again);
            }
            if let Some(next) = self.follow(step, &question, &answer)? {
                return Ok(next);
            }
        }
        let shown = if evidence.summary.is_empty() { status.words() } else { &evidence.summary };
        self.show_end(step, status, shown, seconds, false);
        let waiting = Failure::new(Kind::Waiting, failure.as_ref().map_or(summary, |failure| failure.message.clone()));
        let mut waiting =
            failure.iter().flat_map(|failure| &failure.details).fold(waiting, |waiting, line| waiting.detail(line));
        waiting.hints = failure.map(|failure| failure.hints).unwrap_or_default();
        Ok(Next::Hold(waiting))
    }

    fn capture(&mut self, id: &str, evidence: &Evidence) {
        for (name, value) in &evidence.proven {
            let text = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(_) | toml::Value::Boolean(_) | toml::Value::Float(_) => value.to_string(),
                _ => continue,
            };
            let name = name.strip_prefix("capture.").unwrap_or(name);
            self.state.captured.insert(format!("{id}.{name}"), text);
        }
    }
}

/// What dependents stand on: what was proven, and the option that was chosen.
pub(super) fn proof(evidence: &Evidence, option: Option<usize>) -> String {
    match option {
        Some(option) => digest::of(format!("{} option {option}", evidence.digest())),
        None => evidence.digest(),
    }
}
