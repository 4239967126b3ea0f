//! The events of a run for a person: a line for each step that ended, and the steps that are at work as rows below.
//!
//! Steps of several phases may be at work at once and end in any order: a line names its phase where the one above it
//! belongs to another.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

use super::page;
use super::rows::{self, Rows};
use super::terminal::{WIDTH, cut, mark, wrapped};
use crate::engine::{Display, Event};
use crate::state::Status;
use crate::workflow::duration;

/// The column in which a step's name begins.
pub(super) const STEP: usize = 17;

/// What has been shown so far.
pub struct Steps {
    shown: Arc<Mutex<Shown>>,
    /// Nothing moves before something is at work.
    moving: Once,
}

pub(super) struct Shown {
    pub(super) rows: Rows,
    phase: String,
    /// The phase's name has been printed.
    named: bool,
    /// Steps of the present phase that are satisfied already; they share lines.
    fresh: Vec<String>,
    /// Steps whose end was shown: at a terminal a run goes on after an answer, and nobody reads twice what stands above.
    told: BTreeSet<String>,
    opened: bool,
}

impl Steps {
    /// `live`: rows move at the bottom of a terminal. Otherwise one line per event, and one for a step that takes long.
    #[must_use]
    pub fn new(live: bool) -> Self {
        let shown = Arc::new(Mutex::new(Shown {
            rows: Rows::new(live),
            phase: String::new(),
            named: false,
            fresh: Vec::new(),
            told: BTreeSet::new(),
            opened: false,
        }));
        Steps { shown, moving: Once::new() }
    }
}

impl Shown {
    /// Goes to a phase, printing what is left of the one before.
    fn enter(&mut self, phase: &str) {
        if self.phase != phase {
            self.flush();
            phase.clone_into(&mut self.phase);
            self.named = false;
        }
    }

    /// The phase's name, once.
    fn name(&mut self) -> String {
        if std::mem::replace(&mut self.named, true) { String::new() } else { self.phase.clone() }
    }

    /// A line of one step.
    pub(super) fn line(&mut self, phase: &str, step: &str, status: Status, text: &str, time: Option<Duration>) {
        self.enter(phase);
        self.flush();
        let heading = self.name();
        self.rows.print(&step_line(&heading, step, status, text, time));
    }

    /// Prints the satisfied steps of the present phase.
    fn flush(&mut self) {
        if self.fresh.is_empty() {
            return;
        }
        let first = format!("  {:<12} ", self.name());
        let rest = " ".repeat(first.chars().count());
        let mut lines = vec![first];
        for step in self.fresh.drain(..) {
            let width = lines.last().map_or(0, |line| line.chars().count());
            if width + step.chars().count() > WIDTH {
                lines.push(rest.clone());
            }
            if let Some(line) = lines.last_mut() {
                line.push_str(&step);
                line.push_str("  ");
            }
        }
        let lines: String = lines.iter().map(|line| format!("{}\n", line.trim_end())).collect();
        self.rows.print(&lines);
    }
}

impl Display for Steps {
    fn event(&self, event: &Event<'_>) {
        let Ok(mut shown) = self.shown.lock() else { return };
        match event {
            Event::Opened { loaded, state } => {
                if std::mem::replace(&mut shown.opened, true) {
                    shown.rows.print("\n");
                } else {
                    shown.rows.print(&page::opening(loaded, state));
                }
            }
            Event::Started { phase, step } => {
                self.moving.call_once(|| rows::keep_moving(Arc::downgrade(&self.shown)));
                shown.flush();
                shown.told.remove(step.id.get_ref());
                shown.rows.start(phase, step.id.get_ref(), &step.title);
            }
            Event::Doing { step, text } => shown.rows.doing(step, text),
            Event::Note { text, .. } => {
                shown.flush();
                let note = wrapped(&format!("note: {text}"), WIDTH, &" ".repeat(STEP + 2));
                shown.rows.print(&note);
            }
            Event::Line { step, text } => shown.rows.line(step, text),
            Event::Stale { phase, step, reason } => {
                shown.line(phase, step, Status::Stale, "stale, so looked at again:", None);
                let because = wrapped(reason, WIDTH, &" ".repeat(STEP + 2));
                shown.rows.print(&because);
            }
            Event::Ended { phase, step, status, fresh: true, .. } => {
                if shown.told.insert((*step).to_owned()) {
                    shown.enter(phase);
                    shown.fresh.push(format!("{} {step}", mark(*status)));
                }
            }
            Event::Ended { phase, step, status, summary, seconds, .. } => {
                shown.rows.end(step);
                shown.told.insert((*step).to_owned());
                let time = (*status != Status::Skipped).then(|| Duration::from_secs_f64(seconds.max(0.0)));
                shown.line(phase, step, *status, summary, time);
            }
            Event::Stopped { .. } => {
                shown.rows.clear();
                shown.flush();
                shown.phase.clear();
            }
        }
    }
}

/// Phase, mark, step, what was proven, how long; what does not fit goes on below, never beyond 80 columns.
fn step_line(phase: &str, step: &str, status: Status, summary: &str, time: Option<Duration>) -> String {
    let time = time.map(duration::human).unwrap_or_default();
    let left = format!("  {phase:<12} {} {step:<20} ", mark(status));
    let column = left.chars().count();
    let room = WIDTH.saturating_sub(column + 8);
    let text = match status {
        // What is at work is a sign of life, and one line.
        Status::Running => cut(summary, room),
        _ => wrapped(summary.lines().next().unwrap_or_default(), room, ""),
    };
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let mut out = format!("{left}{first:<room$}{time:>8}").trim_end().to_owned() + "\n";
    for line in lines {
        out.push_str(&format!("{}{line}\n", " ".repeat(column)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_line_never_exceeds_eighty_columns() {
        let text = "the migrated copy is what was rehearsed ".repeat(5);
        let lines =
            step_line("test-first", "schema-test-scaffold", Status::Passed, &text, Some(Duration::from_secs(3)));
        assert!(lines.lines().all(|line| line.chars().count() <= WIDTH), "{lines}");
        assert_eq!(lines.split_whitespace().filter(|word| *word == "rehearsed").count(), 5);
        assert!(lines.lines().next().unwrap().ends_with("3.0 s"));
    }
}
