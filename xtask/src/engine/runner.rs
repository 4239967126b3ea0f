//! The path of a run: each step in order, evaluated as satisfied and fresh? → preconditions → gate → work, with the state
//! written before and after. Stops at the first step that did not pass.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::key::{self, Key};
use super::question::{self, Asked};
use super::{Display, Event, Host, Outcome, StepContext, command, precondition};
use crate::digest;
use crate::failure::{Failure, Kind};
use crate::process::{interrupt, orphans};
use crate::state::folder::now;
use crate::state::model::{Answer, Question};
use crate::state::{Evidence, RunFolder, State, Status, StepState};
use crate::workflow::{Loaded, Step, condition, duration};

/// How long a step may take that says nothing else.
const TIMEOUT: Duration = Duration::from_secs(1200);

/// One run and what it needs to go on.
pub struct Engine<'a> {
    pub loaded: &'a Loaded,
    pub host: &'a dyn Host,
    pub display: &'a dyn Display,
    pub root: &'a Path,
    pub folder: RunFolder,
    pub state: State,
}

/// Where a run stopped.
#[derive(Debug)]
pub enum Stop {
    /// Every selected step passed or had nothing to do.
    Done,
    /// Ended by a decision.
    Ended(String),
    /// Held up by this step.
    Held { step: String, failure: Failure },
}

impl Engine<'_> {
    /// Runs what is missing, up to `to` where it is given.
    ///
    /// Errors: what a state, a workflow or the machine does not allow; a step's own failure is in [`Stop::Held`].
    pub fn run(&mut self, to: Option<&str>) -> Result<Stop> {
        let selected = match to {
            Some(to) if self.loaded.step(to).is_none() => return Err(unknown_step(self.loaded, to).into()),
            Some(to) => Some(self.loaded.ancestors(to)),
            None => None,
        };
        self.recover()?;
        self.display.event(&Event::Opened { state: &self.state });
        let stop = self.passes(selected.as_deref(), to.is_some());
        self.display.event(&Event::Stopped);
        stop
    }

    fn passes(&mut self, selected: Option<&[String]>, partly: bool) -> Result<Stop> {
        loop {
            match self.pass(selected)? {
                Pass::Done if !partly => {
                    self.end("done")?;
                    return Ok(Stop::Done);
                }
                Pass::Done => return Ok(Stop::Done),
                Pass::Ended(outcome) => {
                    self.end(&outcome)?;
                    return Ok(Stop::Ended(outcome));
                }
                Pass::Again => {}
                Pass::Held { step, failure } => return Ok(Stop::Held { step, failure }),
            }
        }
    }

    /// A step found `running` has no live runner (we hold the lock): it was interrupted, whatever it did.
    fn recover(&mut self) -> Result<()> {
        let unfinished = |state: &StepState| matches!(state.status, Status::Running | Status::Interrupted);
        if self.state.step.values().any(unfinished) {
            orphans::wait(self.root, &self.state.run)?;
        }
        if self.state.interrupt_running() { self.save() } else { Ok(()) }
    }

    fn pass(&mut self, selected: Option<&[String]>) -> Result<Pass> {
        let loaded = self.loaded;
        for (position, step) in loaded.in_order().into_iter().enumerate() {
            let id = step.id.get_ref();
            if selected.is_some_and(|selected| !selected.contains(id)) {
                continue;
            }
            if interrupt::requested() {
                let failure = Failure::step(format!("interrupted before `{id}` began"));
                return Ok(Pass::Held { step: id.clone(), failure });
            }
            match self.evaluate(step, position)? {
                Next::On => {}
                Next::Again => return Ok(Pass::Again),
                Next::End(outcome) => return Ok(Pass::Ended(outcome)),
                Next::Hold(failure) => return Ok(Pass::Held { step: id.clone(), failure }),
            }
        }
        Ok(Pass::Done)
    }

    fn evaluate(&mut self, step: &Step, position: usize) -> Result<Next> {
        let id = step.id.get_ref();
        if let Some(reason) = self.not_needed(step) {
            return self.skip(step, &reason);
        }
        let key = match key::of(step, self.loaded, &self.state, self.root, self.host) {
            Ok(key) => key,
            Err(error) => return Ok(Next::Hold(Failure::from_error(&error))),
        };
        let present = self.state.step.get(id).cloned().unwrap_or_default();
        if present.status == Status::Skipped && present.key == key {
            self.show_end(step, Status::Skipped, &present.summary, 0.0, true);
            return Ok(Next::On);
        }
        if present.key == key && self.folder.kept(&format!("{id}.toml")).exists() {
            if matches!(present.status, Status::Passed) {
                self.show_end(step, Status::Passed, &present.summary, present.seconds, true);
                return Ok(Next::On);
            }
            if present.status == Status::WaitingDecision
                && let (Some(question), Some(answer)) = (&present.question, &present.answer)
                && answer.digest == question.digest
                && question.findings.is_empty()
                && let Some(next) = self.follow(step, question, answer)?
            {
                return Ok(next);
            }
        } else if present.status == Status::Passed {
            self.change(id, |state| {
                state.status = Status::Stale;
                state.reason = Some(key::difference(&state.key, &key).join("; "));
            })?;
        }
        if let Err(error) = precondition::check(step, &self.state, self.root, self.host) {
            return Ok(Next::Hold(Failure::from_error(&error)));
        }
        self.work(step, position, key)
    }

    /// Why a step has nothing to do in this run.
    fn not_needed(&self, step: &Step) -> Option<String> {
        if let Some(lane) = self.state.lane
            && !step.lanes.is_empty()
            && !step.lanes.contains(&lane)
        {
            return Some(format!("not in the lane `{lane}`"));
        }
        let when = condition::parse(step.when.as_ref()?.get_ref())?;
        (!when.holds(&self.state.captured)).then(|| format!("`{}` is {} here", when.name, self.captured(&when.name)))
    }

    fn captured(&self, name: &str) -> String {
        self.state.captured.get(name).map_or("not known".to_owned(), |value| format!("`{value}`"))
    }

    fn skip(&mut self, step: &Step, reason: &str) -> Result<Next> {
        let id = step.id.get_ref();
        let known = self
            .state
            .step
            .get(id)
            .is_some_and(|state| state.status == Status::Skipped && state.reason.as_deref() == Some(reason));
        if !known {
            self.change(id, |state| {
                state.status = Status::Skipped;
                state.reason = Some(reason.to_owned());
                state.summary = reason.to_owned();
                state.evidence = Some(digest::of("skipped"));
                state.key.clear();
            })?;
        }
        self.show_end(step, Status::Skipped, reason, 0.0, known);
        Ok(Next::On)
    }

    /// What the chosen option says. None: the step's work has to be done again first.
    fn follow(&mut self, step: &Step, question: &Question, answer: &Answer) -> Result<Option<Next>> {
        let id = step.id.get_ref();
        let Some(option) = question.options.iter().find(|option| option.n == answer.option) else { return Ok(None) };
        match option.then.as_str() {
            "continue" => {
                let evidence = self.folder.evidence(id)?;
                let summary = format!("{}; chosen: {} {}", evidence.summary, option.n, option.label);
                self.change(id, |state| {
                    state.status = Status::Passed;
                    state.reason = None;
                    state.summary = summary.clone();
                    state.evidence = Some(proof(&evidence, Some(answer.option)));
                })?;
                self.show_end(step, Status::Passed, &summary, 0.0, false);
                Ok(Some(Next::On))
            }
            "abort" => Ok(Some(Next::End("reconsidered".to_owned()))),
            "not-built" => {
                self.change(id, |state| state.answer = None)?;
                let failure =
                    Failure::step(format!("option {} of `{id}` is not built yet: {}", option.n, option.label))
                        .detail("nothing was done, and nothing is pretended")
                        .hint(format!("choose another option: cargo xtask db-change answer {id} N --reason TEXT"));
                Ok(Some(Next::Hold(failure)))
            }
            then => match then.strip_prefix("goto:") {
                Some(target) => {
                    // The way back is taken once: the question is put anew.
                    self.change(id, |state| {
                        state.status = Status::Pending;
                        state.answer = None;
                    })?;
                    self.change(target, |state| {
                        state.status = Status::Stale;
                        state.key.clear();
                        state.reason = Some(format!("`{id}` leads back here: {}", option.label));
                    })?;
                    Ok(Some(Next::Again))
                }
                None => Ok(None),
            },
        }
    }

    fn work(&mut self, step: &Step, position: usize, key: Key) -> Result<Next> {
        let id = step.id.get_ref().clone();
        self.change(&id, |state| {
            state.status = Status::Running;
            state.reason = None;
            state.started = Some(now());
            state.runner = Some(std::process::id());
            state.evidence = None;
            state.key.clear();
        })?;
        let phase = self.phase_of(&id);
        self.display.event(&Event::Started { phase: &phase, step });
        let started = Instant::now();
        let context = StepContext {
            step,
            state: &self.state,
            folder: &self.folder,
            log: self.folder.log_stem(position + 1, &id),
            display: self.display,
            timeout: step.timeout.as_ref().and_then(|text| duration::parse(text.get_ref())).unwrap_or(TIMEOUT),
            lane: Mutex::new(None),
        };
        let outcome = match &step.uses {
            Some(uses) => self.host.act(uses.get_ref(), &context),
            None => command::act(&context, self.loaded, self.root, self.host),
        };
        let lane = context.lane.into_inner().unwrap_or_default();
        let before = self.state.lane;
        if let Some((lane, reason)) = lane {
            super::raise_lane(&mut self.state, lane, &reason);
        }
        let seconds = started.elapsed().as_secs_f64();
        let outcome = outcome.and_then(|outcome| self.with_outputs(step, outcome));
        // A step may write some of its own inputs (the generated file, the rollback): there the key is that of its end.
        let key = match outcome {
            Ok(_) => self.key_after(step, key)?,
            Err(_) => key,
        };
        let next = self.settle(step, outcome, key, seconds)?;
        let again = self.state.lane != before && self.skipped_too_soon(position);
        Ok(if again && matches!(next, Next::On) { Next::Again } else { next })
    }

    /// Whether a step before this one was left out by a lane that no longer leaves it out.
    fn skipped_too_soon(&self, position: usize) -> bool {
        self.loaded.in_order().into_iter().take(position).any(|step| {
            let state = self.state.step.get(step.id.get_ref());
            let skipped = state.is_some_and(|state| state.status == Status::Skipped && state.key.is_empty());
            skipped && self.not_needed(step).is_none()
        })
    }

    /// A step that promises files and leaves none has not passed.
    fn with_outputs(&self, step: &Step, outcome: Outcome) -> Result<Outcome> {
        if matches!(outcome, Outcome::Passed(_)) {
            for pattern in &step.outputs {
                if key::files(self.root, pattern)?.is_empty() {
                    let failure =
                        Failure::step(format!("step `{}` left no file that matches `{pattern}`", step.id.get_ref()));
                    return Err(failure.hint("see `outputs` of the step in the workflow file").into());
                }
            }
        }
        Ok(outcome)
    }

    /// The key as the step found it. What it made itself counts as it left it; what anybody else changed meanwhile was not
    /// what it proved, and makes it stale on the next look.
    fn key_after(&self, step: &Step, before: Key) -> Result<Key> {
        let after = key::of(step, self.loaded, &self.state, self.root, self.host)?;
        let own: Vec<String> =
            key::outputs(step, self.root, self.host)?.into_keys().map(|name| format!("input {name}")).collect();
        // Whatever else has moved meanwhile was not proven: with its old value it makes the step stale on the next look.
        let mut kept = before;
        kept.retain(|part, _| !own.contains(part));
        kept.extend(after.into_iter().filter(|(part, _)| own.contains(part)));
        Ok(kept)
    }

    fn settle(&mut self, step: &Step, outcome: Result<Outcome>, key: Key, seconds: f64) -> Result<Next> {
        let id = step.id.get_ref().clone();
        let (status, summary, proof, next) = match outcome {
            Ok(Outcome::Passed(evidence)) => {
                self.capture(&id, &evidence);
                self.folder.save_evidence(&id, &evidence)?;
                let proof = proof(&evidence, None);
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
            Ok(waiting) => return self.wait(step, waiting, key, seconds),
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
            if status == Status::Passed {
                state.question = None;
            }
            state.seconds = seconds;
            state.summary = summary.clone();
            state.reason = (status != Status::Passed).then(|| summary.clone());
            state.key = if matches!(status, Status::Passed | Status::Skipped) { key } else { Key::new() };
        })?;
        self.show_end(step, status, &summary, seconds, false);
        Ok(next)
    }

    fn wait(&mut self, step: &Step, outcome: Outcome, key: Key, seconds: f64) -> Result<Next> {
        let id = step.id.get_ref().clone();
        let earlier = self.state.step.get(&id).cloned().unwrap_or_default();
        let Asked { status, evidence, question, failure } = question::of(step, outcome, &earlier)?;
        self.folder.save_evidence(&id, &evidence)?;
        let summary = question.text.lines().next().unwrap_or_default().to_owned();
        self.change(&id, |state| {
            state.status = status;
            state.seconds = seconds;
            state.summary = evidence.summary.clone();
            state.reason = Some(summary.clone());
            if state.answer.as_ref().is_some_and(|answer| answer.digest != question.digest)
                && status == Status::WaitingDecision
            {
                state.answer = None;
            }
            state.question = Some(question.clone());
            state.key = key;
        })?;
        let present = self.state.step.get(&id).and_then(|state| state.answer.clone());
        if status == Status::WaitingDecision
            && question.findings.is_empty()
            && let Some(answer) = present
            && let Some(next) = self.follow(step, &question, &answer)?
        {
            return Ok(next);
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

    fn end(&mut self, outcome: &str) -> Result<()> {
        self.state.ended = Some(now());
        self.state.outcome = Some(outcome.to_owned());
        self.save()
    }

    fn phase_of(&self, id: &str) -> String {
        self.loaded
            .steps()
            .find(|(_, step)| step.id.get_ref() == id)
            .map(|(phase, _)| phase.id.get_ref().clone())
            .unwrap_or_default()
    }

    fn show_end(&self, step: &Step, status: Status, summary: &str, seconds: f64, fresh: bool) {
        let phase = self.phase_of(step.id.get_ref());
        self.display.event(&Event::Ended { phase: &phase, step: step.id.get_ref(), status, summary, seconds, fresh });
    }

    /// One transition of one step: changed, written durably, logged.
    fn change(&mut self, id: &str, change: impl FnOnce(&mut StepState)) -> Result<()> {
        let state = self.state.step.entry(id.to_owned()).or_default();
        change(state);
        let event = json!({
            "schema": "1.0", "at": now(), "run": self.state.run, "step": id,
            "status": state.status.words(), "reason": state.reason,
        });
        self.save()?;
        self.folder.log_event(&event)
    }

    fn save(&mut self) -> Result<()> {
        self.folder.save(&mut self.state)
    }
}

enum Pass {
    Done,
    Again,
    Ended(String),
    Held { step: String, failure: Failure },
}

enum Next {
    On,
    Again,
    End(String),
    Hold(Failure),
}

/// What dependents stand on: what was proven, and the option that was chosen.
fn proof(evidence: &Evidence, option: Option<usize>) -> String {
    match option {
        Some(option) => digest::of(format!("{} option {option}", evidence.digest())),
        None => evidence.digest(),
    }
}

/// A step id that the workflow doesn't have.
#[must_use]
pub fn unknown_step(loaded: &Loaded, id: &str) -> Failure {
    let ids = loaded.steps().map(|(_, step)| step.id.get_ref().as_str());
    let failure = Failure::usage(format!("no step is called `{id}`"));
    match crate::workflow::diagnostic::did_you_mean(id, ids) {
        Some(guess) => failure.hint(guess),
        None => failure.hint("see the steps: cargo xtask db-change status"),
    }
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;
