//! Whose turn it is: steps whose needs are met run side by side, up to a number, and never two that share a resource.
//!
//! One thread evaluates, writes the state and settles; each step's work has a thread of its own, which sees the state as it
//! was when the step began. Once something held the run up, what is at work comes to its end and nothing else begins.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::Scope;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::edits::{Edits, Stamps};
use super::files::Seen;
use super::key::Parts;
use super::runner::{Engine, Next, not_needed};
use super::{Display, Event, Host, Outcome, StepContext, command, hidden};
use crate::failure::{Failure, Kind};
use crate::process::{Log, interrupt};
use crate::state::folder::now;
use crate::state::{RunFolder, State, Status};
use crate::workflow::{Lane, Loaded, Step, duration};

/// How long a step may take that says nothing else.
const TIMEOUT: Duration = Duration::from_secs(1200);
/// The resource that stands for all: a step that names it runs alone.
const ALL: &str = "*";

/// How one pass through the steps ended.
pub(super) enum Pass {
    Done,
    /// Something changed that earlier steps have to look at.
    Again,
    Ended(String),
    Held {
        step: String,
        failure: Failure,
        others: Vec<(String, Failure)>,
    },
}

/// A step at work.
struct AtWork<'a> {
    position: usize,
    step: &'a Step,
    parts: Parts,
    stamps: Stamps,
}

/// What came of a step's work.
struct Worked {
    position: usize,
    outcome: Result<Outcome>,
    lane: Option<(Lane, String)>,
    seconds: f64,
}

/// Which steps are still to come, and what ended the pass, if anything did.
struct Board<'a> {
    todo: Vec<(usize, &'a Step)>,
    at_work: Vec<AtWork<'a>>,
    held: Vec<(usize, String, Failure)>,
    ended: Option<String>,
    again: bool,
    /// Whether any step's work was done: that took its time.
    worked: bool,
}

impl<'a> Board<'a> {
    fn stops(&self) -> bool {
        self.again || self.ended.is_some() || !self.held.is_empty()
    }

    /// Takes the first step that may begin now.
    fn take(&mut self, jobs: Option<usize>, alone: impl Fn(&Step) -> bool) -> Option<(usize, &'a Step)> {
        let full = |at_work: usize| at_work > 0 && at_work >= jobs.unwrap_or_else(at_once);
        if self.stops() || full(self.at_work.len()) {
            return None;
        }
        let before = |step: &Step| {
            let open = self.todo.iter().map(|(_, step)| step).chain(self.at_work.iter().map(|work| &work.step));
            open.map(|step| step.id.get_ref()).any(|id| step.needs.iter().any(|need| need.get_ref() == id))
        };
        let kept_apart = |step: &Step| {
            !self.at_work.is_empty() && alone(step) || self.at_work.iter().any(|work| share(work.step, step))
        };
        let found = self.todo.iter().position(|(_, step)| !before(step) && !kept_apart(step))?;
        Some(self.todo.remove(found))
    }

    fn next(&mut self, position: usize, step: &Step, next: Next) {
        match next {
            Next::On | Next::Work(_) => {}
            Next::Again => self.again = true,
            Next::End(outcome) => self.ended = Some(outcome),
            Next::Hold(failure) => self.held.push((position, step.id.get_ref().clone(), failure)),
        }
    }

    fn look(&mut self, edited: Vec<(usize, &Step, Next)>) {
        edited.into_iter().for_each(|(position, step, next)| self.next(position, step, next));
    }

    /// What the pass came to. A failure is shown before what waits: it is what someone has to look at first.
    fn end(mut self) -> Pass {
        self.held.sort_by_key(|(position, _, failure)| (failure.kind == Kind::Waiting, *position));
        let mut held = self.held.into_iter().map(|(_, step, failure)| (step, failure));
        match (held.next(), self.ended) {
            (Some((step, failure)), _) => Pass::Held { step, failure, others: held.collect() },
            (None, Some(outcome)) => Pass::Ended(outcome),
            (None, None) if self.again => Pass::Again,
            (None, None) => Pass::Done,
        }
    }
}

/// More than a few at once gain nothing: most of a run is one chain.
fn at_once() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// Whether two steps must not overlap.
fn share(one: &Step, other: &Step) -> bool {
    let all = |step: &Step| step.exclusive.iter().any(|name| name == ALL);
    all(one) || all(other) || one.exclusive.iter().any(|name| other.exclusive.contains(name))
}

impl Engine<'_> {
    /// One pass through the selected steps.
    pub(super) fn pass(&mut self, selected: Option<&[String]>, edits: &mut Edits) -> Result<Pass> {
        let loaded = self.loaded;
        let chosen = |step: &Step| selected.is_none_or(|selected| selected.contains(step.id.get_ref()));
        let all: Vec<(usize, &Step)> =
            loaded.in_order().into_iter().enumerate().filter(|(_, step)| chosen(step)).collect();
        let mut board = Board {
            todo: all.clone(),
            at_work: Vec::new(),
            held: Vec::new(),
            ended: None,
            again: false,
            worked: false,
        };
        let (sender, receiver) = mpsc::channel();
        let mut seen = Seen::default();
        std::thread::scope(|scope| {
            loop {
                while let Some((position, step)) = self.take(&mut board) {
                    if interrupt::requested() {
                        let failure = Failure::step(format!("interrupted before `{}` began", step.id.get_ref()));
                        board.next(position, step, Next::Hold(failure));
                        break;
                    }
                    if !board.at_work.is_empty() {
                        seen.forget();
                    }
                    match self.evaluate(step, &mut seen)? {
                        Next::Work(parts) => {
                            let before = loaded.ancestors(step.id.get_ref());
                            let before = all
                                .iter()
                                .copied()
                                .filter(|(other, earlier)| *other != position && before.contains(earlier.id.get_ref()));
                            board.look(self.edited(before, edits)?);
                            if board.stops() {
                                break;
                            }
                            let stamps = Stamps::of(step, self.root)?;
                            self.start(scope, &sender, position, step)?;
                            board.worked = true;
                            board.at_work.push(AtWork { position, step, parts, stamps });
                        }
                        next => board.next(position, step, next),
                    }
                }
                if board.at_work.is_empty() {
                    if board.worked && !board.stops() {
                        board.look(self.edited(all.iter().copied(), edits)?);
                    }
                    return Ok(board.end());
                }
                let worked: Worked = receiver.recv()?;
                seen.forget();
                if let Some(index) = board.at_work.iter().position(|work| work.position == worked.position) {
                    let AtWork { position, step, parts, stamps } = board.at_work.remove(index);
                    let next = self.worked(step, parts, &stamps, worked, board.at_work.is_empty())?;
                    board.next(position, step, next);
                }
            }
        })
    }

    /// An answer may lead somewhere else in the workflow: it is followed while nothing is at work.
    fn take<'b>(&self, board: &mut Board<'b>) -> Option<(usize, &'b Step)> {
        board.take(self.jobs, |step| {
            let state = self.state.step.get(step.id.get_ref());
            state.is_some_and(|state| state.status == Status::WaitingDecision && state.answer.is_some())
        })
    }

    fn start<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        sender: &Sender<Worked>,
        position: usize,
        step: &'scope Step,
    ) -> Result<()>
    where
        Self: 'scope,
    {
        let id = step.id.get_ref().clone();
        self.change(&id, |state| {
            state.status = Status::Running;
            state.reason = None;
            state.started = Some(now());
            state.runner = Some(std::process::id());
            state.evidence = None;
            state.left = None;
            state.key.clear();
        })?;
        let phase = self.phase_of(&id);
        self.display.event(&Event::Started { phase: &phase, step });
        let (state, folder, root) = (self.state.clone(), self.folder.clone(), self.root.to_owned());
        let (loaded, host, display) = (self.loaded, self.host, Arc::clone(&self.display));
        let sender = sender.clone();
        scope.spawn(move || {
            let worker = Worker { loaded, host, display, root: &root, state: &state, folder: &folder };
            // The receiver lives as long as any worker does.
            let _ = sender.send(worker.work(position, step));
        });
        Ok(())
    }

    fn worked(&mut self, step: &Step, parts: Parts, stamps: &Stamps, worked: Worked, alone: bool) -> Result<Next> {
        self.still_alone()?;
        let before = self.state.lane;
        if let Some((lane, reason)) = worked.lane {
            super::raise_lane(&mut self.state, lane, &reason);
        }
        let outcome = hidden::outcome(worked.outcome, &self.host.mask())
            .and_then(|outcome| self.with_outputs(step, outcome))
            .and_then(|outcome| self.unswapped(step, &parts, stamps, outcome));
        // A step may write some of its own inputs (the generated file, the rollback): there the key is that of its end.
        let parts = match outcome {
            Ok(_) => self.parts_after(step, parts)?,
            Err(_) => parts,
        };
        let next = self.settle(step, outcome, &parts, worked.seconds, alone)?;
        let again = self.state.lane != before && self.skipped_too_soon();
        Ok(if again && matches!(next, Next::On) { Next::Again } else { next })
    }

    /// Whether a step was left out by a lane that no longer leaves it out.
    fn skipped_too_soon(&self) -> bool {
        self.loaded.steps().any(|(_, step)| {
            let state = self.state.step.get(step.id.get_ref());
            let skipped = state.is_some_and(|state| state.status == Status::Skipped && state.key.is_empty());
            skipped && not_needed(step, &self.state).is_none()
        })
    }
}

/// What the thread of one step sees.
struct Worker<'a> {
    loaded: &'a Loaded,
    host: &'a dyn Host,
    display: Arc<dyn Display>,
    root: &'a std::path::Path,
    state: &'a State,
    folder: &'a RunFolder,
}

impl Worker<'_> {
    fn log(&self, position: usize, step: &str) -> Log {
        let (display, id) = (Arc::clone(&self.display), step.to_owned());
        let watcher = Arc::new(move |text: &str| display.event(&Event::Line { step: &id, text }));
        Log::watched(self.folder.log_stem(position + 1, step), watcher)
    }

    fn work(&self, position: usize, step: &Step) -> Worked {
        let started = Instant::now();
        let context = StepContext {
            step,
            state: self.state,
            folder: self.folder,
            log: self.log(position, step.id.get_ref()),
            display: self.display.as_ref(),
            timeout: step.timeout.as_ref().and_then(|text| duration::parse(text.get_ref())).unwrap_or(TIMEOUT),
            lane: Mutex::new(None),
        };
        let act = || match &step.uses {
            Some(uses) => self.host.act(uses.get_ref(), &context),
            None => command::act(&context, self.loaded, self.root, self.host),
        };
        let outcome = catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
        let lane = context.lane.into_inner().unwrap_or_default();
        Worked { position, outcome, lane, seconds: started.elapsed().as_secs_f64() }
    }
}

/// A bug of ours in one step's work must not take the record of the others along.
fn panicked(panic: &(dyn Any + Send)) -> anyhow::Error {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    anyhow!("the step's work panicked: {}", text.unwrap_or("no message"))
}
