//! Events for a person: live with a spinner at a terminal, plain lines elsewhere. All on stderr; stdout is for data.

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::{Display, Event};
use crate::state::Status;
use crate::workflow::duration;

/// What a line may be wide.
pub const WIDTH: usize = 80;

/// What has been shown so far.
pub struct Terminal {
    live: bool,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    phase: String,
    /// The phase's name has been printed.
    named: bool,
    bar: Option<ProgressBar>,
    /// Steps of the present phase that are satisfied already; they share lines.
    fresh: Vec<String>,
}

impl Terminal {
    #[must_use]
    pub fn new(live: bool) -> Self {
        Terminal { live, shown: Mutex::new(Shown::default()) }
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
        for line in lines {
            print(&format!("{}\n", line.trim_end()));
        }
    }
}

impl Display for Terminal {
    fn event(&self, event: &Event<'_>) {
        let Ok(mut shown) = self.shown.lock() else { return };
        match event {
            Event::Opened { state } => {
                print(&format!("{}  {}\n", state.workflow, state.title));
                if let Some(lane) = state.lane {
                    let reason = state.lane_reason.as_deref().unwrap_or_default();
                    print(&wrapped(&format!("lane {lane}: {reason}"), WIDTH, "           "));
                }
                print("\n");
            }
            Event::Started { step, .. } => {
                if self.live {
                    shown.bar = Some(spinner(step.id.get_ref(), &step.title));
                }
            }
            Event::Line { text, .. } => {
                if let Some(bar) = &shown.bar {
                    bar.set_message(cut(text, 50));
                }
            }
            Event::Ended { phase, step, status, fresh: true, .. } => {
                shown.enter(phase);
                shown.fresh.push(format!("{} {step}", mark(*status)));
            }
            Event::Ended { phase, step, status, summary, seconds, .. } => {
                if let Some(bar) = shown.bar.take() {
                    bar.finish_and_clear();
                }
                shown.enter(phase);
                shown.flush();
                let heading = shown.name();
                print(&step_line(&heading, step, *status, summary, *seconds));
            }
            Event::Stopped => {
                if let Some(bar) = shown.bar.take() {
                    bar.finish_and_clear();
                }
                shown.flush();
                shown.phase.clear();
            }
        }
    }
}

/// Phase, mark, step, what was proven, how long; what does not fit goes on below, never beyond 80 columns.
fn step_line(phase: &str, step: &str, status: Status, summary: &str, seconds: f64) -> String {
    let time = match status {
        Status::Skipped => String::new(),
        _ => duration::human(Duration::from_secs_f64(seconds.max(0.0))),
    };
    let left = format!("  {phase:<12} {} {step:<20} ", mark(status));
    let column = left.chars().count();
    let room = WIDTH - column - 8;
    let text = wrapped(summary.lines().next().unwrap_or_default(), room, "");
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let mut out = format!("{left}{first:<room$}{time:>8}").trim_end().to_owned() + "\n";
    for line in lines {
        out.push_str(&format!("{}{line}\n", " ".repeat(column)));
    }
    out
}

/// Readable without colour.
#[must_use]
pub fn mark(status: Status) -> char {
    match status {
        Status::Passed => '✓',
        Status::Failed | Status::Interrupted => '✗',
        Status::WaitingEdit | Status::WaitingDecision | Status::WaitingAttestation => '●',
        Status::Skipped => '–',
        Status::Running => '▸',
        Status::Stale => '~',
        Status::Pending => '·',
    }
}

fn spinner(step: &str, title: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {prefix} {elapsed} {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(step.to_owned());
    bar.set_message(cut(title, 60));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// At most `width` characters, with an ellipsis where something was left out.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    let text = text.lines().next().unwrap_or_default();
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

/// Everything for people goes to stderr; a reader that has gone away is no reason to stop.
pub fn print(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Data for programs.
pub fn data(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Breaks a text at words so that no line is wider than `width`.
#[must_use]
pub fn wrapped(text: &str, width: usize, indent: &str) -> String {
    let mut out = String::new();
    for paragraph in text.lines() {
        let mut line = indent.to_owned();
        let room = width.saturating_sub(indent.chars().count());
        for word in paragraph.split_whitespace().flat_map(|word| pieces(word, room)) {
            if line.chars().count() + word.chars().count() > width && line.trim() != "" {
                out.push_str(line.trim_end());
                out.push('\n');
                line = indent.to_owned();
            }
            line.push_str(&word);
            line.push(' ');
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// A word that is wider than a line goes on in the next.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let characters: Vec<char> = word.chars().collect();
    characters.chunks(width.max(1)).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_line_never_exceeds_eighty_columns() {
        let text = "the migrated copy is what was rehearsed ".repeat(5);
        let lines = step_line("test-first", "schema-test-scaffold", Status::Passed, &text, 3.0);
        assert!(lines.lines().all(|line| line.chars().count() <= WIDTH), "{lines}");
        assert_eq!(lines.split_whitespace().filter(|word| *word == "rehearsed").count(), 5);
        assert!(lines.lines().next().unwrap().ends_with("3.0 s"));
    }
}
