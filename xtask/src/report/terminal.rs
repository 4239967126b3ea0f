//! Events for a person: live with a spinner at a terminal, plain lines elsewhere. All on stderr; stdout is for data.

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::{Display, Event};
use crate::state::Status;
use crate::workflow::duration;

/// What has been shown so far.
pub struct Terminal {
    live: bool,
    /// Says nothing of steps that are satisfied already.
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    phase: String,
    bar: Option<ProgressBar>,
}

impl Terminal {
    #[must_use]
    pub fn new(live: bool) -> Self {
        Terminal { live, shown: Mutex::new(Shown::default()) }
    }
}

impl Display for Terminal {
    fn event(&self, event: &Event<'_>) {
        let Ok(mut shown) = self.shown.lock() else { return };
        match event {
            Event::Opened { state } => {
                let mut line = format!("db-change  {}", state.title);
                if let Some(lane) = state.lane {
                    line.push_str(&format!(
                        "\n           lane {lane}: {}",
                        state.lane_reason.as_deref().unwrap_or_default()
                    ));
                }
                print(&format!("{line}\n"));
            }
            Event::Started { step, .. } => {
                if self.live {
                    shown.bar = Some(spinner(step.id.get_ref(), &step.title));
                }
            }
            Event::Line { text, .. } => {
                if let Some(bar) = &shown.bar {
                    bar.set_message(cut(text, 60));
                }
            }
            Event::Ended { phase, step, status, summary, seconds, fresh } => {
                if let Some(bar) = shown.bar.take() {
                    bar.finish_and_clear();
                }
                let heading = if shown.phase == *phase { "" } else { phase };
                (*phase).clone_into(&mut shown.phase);
                print(&step_line(heading, step, *status, summary, *seconds, *fresh));
            }
        }
    }
}

/// One line of at most 80 columns: phase, mark, step, what was proven, how long.
fn step_line(phase: &str, step: &str, status: Status, summary: &str, seconds: f64, fresh: bool) -> String {
    let time = match (fresh, status) {
        (true, Status::Passed) => "fresh".to_owned(),
        (_, Status::Skipped) => String::new(),
        _ => duration::human(Duration::from_secs_f64(seconds.max(0.0))),
    };
    let left = format!("  {phase:<12} {} {step:<20} ", mark(status));
    let room = 80_usize.saturating_sub(left.chars().count() + time.chars().count() + 1);
    let summary = cut(summary, room);
    format!("{left}{summary:<room$} {time}").trim_end().to_owned() + "\n"
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
        for word in paragraph.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > width && line.trim() != "" {
                out.push_str(line.trim_end());
                out.push('\n');
                line = indent.to_owned();
            }
            line.push_str(word);
            line.push(' ');
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_line_never_exceeds_eighty_columns() {
        let line = step_line("test-first", "schema-test-scaffold", Status::Passed, &"x".repeat(200), 83.0, false);
        assert_eq!(line.trim_end().chars().count(), 80);
        assert!(line.trim_end().ends_with("1 min 23 s"));
    }
}
