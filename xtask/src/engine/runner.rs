//! The path of a run: each step in its turn, evaluated as satisfied and fresh? → preconditions → gate → work, with the state
//! written before and after. Once a step did not pass, no other begins. Whose turn it is: [`super::schedule`]; what comes
//! of the work: [`super::settle`].

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use super::edits::Edits;
use super::files::Seen;
use super::key::{self, Ask, Parts};
use super::schedule::Pass;
use super::settle::proof;
use super::{Display, Event, Host, difference, hidden, person, precondition};
use crate::digest;
use crate::failure::Failure;
use crate::state::contents::Contents;
use crate::state::folder::now;
use crate::state::lock::{self, Lock};
use crate::state::model::{Answer, Question};
use crate::state::{RunFolder, State, Status, StepState};
use crate::workflow::{Loaded, Step, command, condition};

/// One run and what it needs to go on.
pub struct Engine<'a> {
    pub loaded: &'a Loaded,
    pub host: &'a dyn Host,
    pub display: Arc<dyn Display>,
    pub root: &'a Path,
    pub folder: RunFolder,
    pub state: State,
    /// How many steps may be at work at once; where it is not said, as many as there are processors, and a few at most.
    pub jobs: Option<usize>,
    /// What keeps other runners away; nothing is written once it is gone.
    pub lock: Option<&'a Lock>,
}

/// Where a run stopped.
#[derive(Debug)]
pub enum Stop {
    /// Every selected step passed or had nothing to do.
    Done,
    /// Ended by a decision.
    Ended(String),
    /// Held up by this step, and by others that were at work beside it.
    Held { step: String, failure: Failure, others: Vec<(String, Failure)> },
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
        self.display.event(&Event::Opened { loaded: self.loaded, state: &self.state });
        self.host.opened();
        let stop = self.passes(selected.as_deref(), to.is_some());
        self.host.stopped();
        self.display.event(&Event::Stopped { stop: stop.as_ref().ok() });
        stop
    }

    /// Does the work of one step, whatever has passed before it. For a state that is no run's.
    pub fn only(&mut self, step: &str) -> Result<Stop> {
        if self.loaded.step(step).is_none() {
            return Err(unknown_step(self.loaded, step).into());
        }
        self.change(step, |state| *state = StepState::default())?;
        self.display.event(&Event::Opened { loaded: self.loaded, state: &self.state });
        self.host.opened();
        let stop = self.passes(Some(&[step.to_owned()]), true);
        self.host.stopped();
        self.display.event(&Event::Stopped { stop: stop.as_ref().ok() });
        stop
    }

    fn passes(&mut self, selected: Option<&[String]>, partly: bool) -> Result<Stop> {
        let mut edits = Edits::default();
        loop {
            match self.pass(selected, &mut edits)? {
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
                Pass::Held { step, failure, others } => return Ok(Stop::Held { step, failure, others }),
            }
        }
    }

    /// A step found `running` has no live runner (we hold the lock): it was interrupted, whatever it did. That nothing of it
    /// is at work any more was seen to before.
    fn recover(&mut self) -> Result<()> {
        if self.state.interrupt_running() { self.save() } else { Ok(()) }
    }

    /// What a step needs now; its work is not done here.
    pub(super) fn evaluate(&mut self, step: &Step, seen: &mut Seen) -> Result<Next> {
        let id = step.id.get_ref();
        if let Some(reason) = not_needed(step, &self.state) {
            return self.skip(step, &reason);
        }
        let parts = match key::of(step, self.loaded, &self.state, self.root, self.host, Ask::Everything, seen) {
            Ok(parts) => parts,
            Err(error) => return Ok(Next::Hold(hidden::failure(&error, &self.host.mask()))),
        };
        let key = parts.key();
        let present = self.state.step.get(id).cloned().unwrap_or_default();
        let stands = match self.stands(id, &present) {
            Ok(stands) => stands,
            Err(error) => return Ok(Next::Hold(Failure::from_error(&error))),
        };
        if present.status == Status::Skipped && present.key == key {
            self.show_end(step, Status::Skipped, &present.summary, 0.0, true);
            return Ok(Next::On);
        }
        if present.key == key && stands {
            if present.status == Status::Passed {
                self.show_end(step, Status::Passed, &present.summary, present.seconds, true);
                return Ok(Next::On);
            }
            if present.status == Status::WaitingDecision
                && let (Some(question), Some(answer)) = (&present.question, &present.answer)
                && answer.digest == question.digest
                && question.findings.is_empty()
                && person::counts(step, &self.state, answer.witness.as_ref())
                && let Some(next) = self.follow(step, question, answer)?
            {
                return Ok(next);
            }
        } else if present.status == Status::Passed {
            let reason = match stands {
                true => in_short(&difference::between(&present.key, &parts, &self.kept())),
                false => "its evidence is not what it left".to_owned(),
            };
            self.stale(id, &reason)?;
        }
        if let Some(now) = self.host.branch().filter(|now| *now != self.state.branch) {
            return Ok(Next::Hold(self.elsewhere(&now)));
        }
        if let Err(error) = precondition::check(step, &self.state, self.root, self.host) {
            return Ok(Next::Hold(hidden::failure(&error, &self.host.mask())));
        }
        // What another step looked at a while ago is not what this one's work will see.
        Ok(Next::Work(parts.read_again(step, self.root, self.host)?))
    }

    /// Another branch was checked out while the run is at work: its files are not what this run is about.
    fn elsewhere(&self, now: &str) -> Failure {
        let branch = &self.state.branch;
        Failure::refused(format!("this run belongs to the branch `{branch}`, and `{now}` is checked out by now"))
            .hint(match branch.strip_prefix("detached-") {
                Some(commit) => format!("go back: git switch --detach {commit}"),
                None => format!("go back: git switch {branch}"),
            })
            .hint(format!("then go on: {}", command(&self.loaded.workflow.name, "")))
    }

    /// Whether what a step left as proof is still there. Errors: it was edited by another hand.
    fn stands(&self, id: &str, present: &StepState) -> Result<bool> {
        let path = self.folder.evidence_path(id);
        if present.left.is_some() && self.host.digest(&path).ok() == present.left {
            return Ok(true);
        }
        let Some(evidence) = self.folder.evidence_if_any(id)?.filter(|_| present.left.is_none()) else {
            return Ok(false);
        };
        let chosen = present.answer.as_ref().map(|answer| answer.option);
        let left = [None, chosen].map(|option| Some(proof(&evidence, option)));
        Ok(present.status != Status::Passed || left.contains(&present.evidence))
    }

    /// A step that had passed does not hold any more.
    pub(super) fn stale(&mut self, id: &str, reason: &str) -> Result<()> {
        self.change(id, |state| {
            state.status = Status::Stale;
            state.reason = Some(reason.to_owned());
        })?;
        self.display.event(&Event::Stale { phase: &self.phase_of(id), step: id, reason });
        Ok(())
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
    pub(super) fn follow(&mut self, step: &Step, question: &Question, answer: &Answer) -> Result<Option<Next>> {
        let id = step.id.get_ref();
        let Some(option) = question.options.iter().find(|option| option.n == answer.option) else { return Ok(None) };
        match option.then.as_str() {
            "continue" => {
                let evidence = self.folder.evidence(id)?;
                let proof = proof(&evidence, Some(answer.option));
                difference::keep_proof(&proof, &evidence, Some(answer.option), &self.kept());
                let summary = format!("{}; chosen: {} {}", evidence.summary, option.n, option.label);
                self.change(id, |state| {
                    state.status = Status::Passed;
                    state.reason = None;
                    state.summary = summary.clone();
                    state.evidence = Some(proof);
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
                        .hint(format!(
                            "choose another option: {}",
                            command(&self.loaded.workflow.name, &format!("answer {id} N --reason TEXT"))
                        ));
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

    fn end(&mut self, outcome: &str) -> Result<()> {
        self.state.ended = Some(now());
        self.state.outcome = Some(outcome.to_owned());
        self.save()
    }

    pub(super) fn phase_of(&self, id: &str) -> String {
        self.loaded
            .steps()
            .find(|(_, step)| step.id.get_ref() == id)
            .map(|(phase, _)| phase.id.get_ref().clone())
            .unwrap_or_default()
    }

    pub(super) fn show_end(&self, step: &Step, status: Status, summary: &str, seconds: f64, fresh: bool) {
        let phase = self.phase_of(step.id.get_ref());
        self.display.event(&Event::Ended { phase: &phase, step: step.id.get_ref(), status, summary, seconds, fresh });
    }

    /// One transition of one step: changed, written durably, logged.
    pub(super) fn change(&mut self, id: &str, change: impl FnOnce(&mut StepState)) -> Result<()> {
        let state = self.state.step.entry(id.to_owned()).or_default();
        change(state);
        // What it captured when it last passed says nothing any more.
        if state.status != Status::Passed {
            self.state.captured.retain(|name, _| name.split('.').next() != Some(id));
        }
        let event = json!({
            "schema": "1.0", "at": now(), "run": self.state.run, "step": id,
            "status": state.status.words(), "reason": state.reason,
        });
        self.save()?;
        self.folder.log_event(&event);
        Ok(())
    }

    /// Errors: the lock is gone, and with it the right to write.
    pub(super) fn still_alone(&self) -> Result<()> {
        if self.lock.is_some_and(|lock| !lock.is_held()) {
            return Err(lock::lost().into());
        }
        Ok(())
    }

    fn save(&mut self) -> Result<()> {
        self.still_alone()?;
        self.folder.save(&mut self.state)
    }

    /// What was kept of the things that steps stood on.
    pub(super) fn kept(&self) -> Contents {
        Contents::at(&self.root.join(".db-change"))
    }
}

/// What comes after a step was evaluated, or has done its work.
pub(super) enum Next {
    On,
    /// Its work has to be done, and this is what it stands on.
    Work(Parts),
    Again,
    End(String),
    Hold(Failure),
}

/// Why a step has nothing to do in this run.
pub(super) fn not_needed(step: &Step, state: &State) -> Option<String> {
    if let Some(off) = &step.off {
        return Some(format!("off: {}", off.get_ref()));
    }
    if let Some(lane) = state.lane
        && !step.lanes.is_empty()
        && !step.lanes.contains(&lane)
    {
        return Some(format!("not in the lane `{lane}`"));
    }
    let when = condition::parse(step.when.as_ref()?.get_ref())?;
    let known = state.captured.get(&when.name).map_or("not known".to_owned(), |value| format!("`{value}`"));
    (!when.holds(&state.captured)).then(|| format!("`{}` is {known} here", when.name))
}

/// The parts that changed, in one line.
pub(super) fn in_short(changes: &[difference::Change]) -> String {
    const MOST: usize = 3;
    let words: Vec<String> = changes.iter().take(MOST).map(difference::Change::brief).collect();
    let more = changes.len().saturating_sub(MOST);
    words.join("; ") + &if more > 0 { format!("; and {more} more") } else { String::new() }
}

/// A step id that the workflow doesn't have.
#[must_use]
pub fn unknown_step(loaded: &Loaded, id: &str) -> Failure {
    let ids = loaded.steps().map(|(_, step)| step.id.get_ref().as_str());
    let failure = Failure::usage(format!("no step is called `{id}`"));
    match crate::workflow::diagnostic::did_you_mean(id, ids) {
        Some(guess) => failure.hint(guess),
        None => failure.hint(format!("see the steps: {}", command(&loaded.workflow.name, "status"))),
    }
}

#[cfg(test)]
#[path = "runner_tests.rs"]
mod tests;
