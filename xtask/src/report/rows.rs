//! The steps that are at work. At a terminal each has a row: phase, name, time so far, what it does; and below it the last
//! line that its command printed. Elsewhere a step that takes long says so in a line, and again now and then.
//!
//! Invariant: rows are gone once their step has ended, and whatever stays on the screen is printed through here.

use std::sync::{Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::screen::{Screen, size};
use super::steps::{STEP, Shown};
use super::terminal::{cut, print};
use crate::process::escapes;
use crate::state::Status;

/// How long a step is at work before a plain line says so, and how long before the next.
const SLOW: Duration = Duration::from_secs(2);
const STILL: Duration = Duration::from_secs(30);
/// How often rows move, however fast lines come.
const TICK: Duration = Duration::from_millis(125);
const SPINNER: [char; 8] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧'];

/// Asks for a picture in the place of the character before it, which terminals draw one or two columns wide.
const WIDER: char = '\u{fe0f}';

pub(super) struct Rows {
    screen: Option<Screen>,
    rows: Vec<Row>,
    ticks: usize,
}

struct Row {
    phase: String,
    step: String,
    doing: String,
    /// None before the first line. The second line of a row stays once it is there: what comes and goes flickers.
    last: Option<String>,
    since: Instant,
    due: Instant,
}

impl Rows {
    pub(super) fn new(live: bool) -> Self {
        Rows { screen: live.then(Screen::default), rows: Vec::new(), ticks: 0 }
    }

    pub(super) fn start(&mut self, phase: &str, step: &str, title: &str) {
        let since = Instant::now();
        self.rows.push(Row {
            phase: phase.to_owned(),
            step: step.to_owned(),
            doing: title.to_owned(),
            last: None,
            since,
            due: since + SLOW,
        });
        self.print("");
    }

    pub(super) fn doing(&mut self, step: &str, text: &str) {
        if let Some(row) = self.row(step) {
            row.doing = readable(text);
            row.last = row.last.is_some().then(String::new);
        }
    }

    pub(super) fn line(&mut self, step: &str, text: &str) {
        let text = readable(text);
        if let Some(row) = self.row(step).filter(|_| !text.is_empty()) {
            row.last = Some(text);
        }
    }

    /// None for a line that comes when its step has ended: a grandchild may hold a pipe open.
    fn row(&mut self, step: &str) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.step == step)
    }

    /// The row goes with the next print, which is that of the step's end.
    pub(super) fn end(&mut self, step: &str) {
        self.rows.retain(|row| row.step != step);
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
        self.print("");
    }

    /// Something that stays, above the rows.
    pub(super) fn print(&mut self, text: &str) {
        match &mut self.screen {
            Some(screen) => {
                let (width, height) = size();
                let mut rows: Vec<String> = self.rows.iter().flat_map(|row| row.shown(self.ticks, width)).collect();
                rows.truncate(height.saturating_sub(1));
                screen.paint(text, &rows);
            }
            None => print(text),
        }
    }

    /// The steps that it is time to tell of: phase, step, what it does, for how long.
    fn slow(&mut self, now: Instant) -> Vec<(String, String, String, Duration)> {
        let due = self.rows.iter_mut().filter(|row| row.due <= now);
        due.map(|row| {
            row.due = now + STILL;
            (row.phase.clone(), row.step.clone(), row.doing.clone(), now.saturating_duration_since(row.since))
        })
        .collect()
    }
}

impl Row {
    fn shown(&self, ticks: usize, width: usize) -> Vec<String> {
        let spinner = SPINNER[ticks % SPINNER.len()];
        let time = so_far(self.since.elapsed());
        let left = format!("  {:<12} {spinner} {:<20} {time:>8}  {}", self.phase, self.step, self.doing);
        let below = self.last.as_ref().map(|last| format!("{:STEP$}{last}", ""));
        // The last column stays free: a full line leaves the cursor where terminals differ.
        std::iter::once(left).chain(below).map(|line| cut(&line, width.saturating_sub(1))).collect()
    }
}

/// Moves the rows, or tells of slow steps in plain lines, until what is shown is gone.
pub(super) fn keep_moving(shown: Weak<Mutex<Shown>>) {
    thread::spawn(move || {
        while let Some(shown) = shown.upgrade() {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            let rows = &mut shown.rows;
            rows.ticks = rows.ticks.wrapping_add(1);
            if rows.screen.is_none() {
                for (phase, step, doing, time) in rows.slow(Instant::now()) {
                    shown.line(&phase, &step, Status::Running, &doing, Some(time));
                }
            } else if !rows.rows.is_empty() {
                rows.print("");
            }
            drop(shown);
            thread::sleep(TICK);
        }
    });
}

/// Whole seconds: what moves with every tick is not read.
fn so_far(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds => format!("{}:{:02} min", seconds / 60, seconds % 60),
    }
}

/// What a child printed, as one line that moves no cursor: without escape sequences, and what stands last where it went
/// back to the line's beginning.
fn readable(text: &str) -> String {
    let text = escapes::plain(text.trim_end().rsplit('\r').next().unwrap_or_default());
    let mut out = String::new();
    for character in text.chars() {
        if character == '\t' {
            out.push_str("  ");
        } else if !character.is_control() && character != WIDER {
            out.push(character);
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_prints_moves_no_cursor() {
        assert_eq!(readable("\u{1b}[2K\u{1b}[32m(pass)\u{1b}[0m users\tinserts\u{7}\r\n"), "(pass) users  inserts");
        assert_eq!(readable(" 10%\r 20%\r 30%\n"), "30%");
    }

    #[test]
    fn a_step_is_told_of_when_it_is_slow_and_then_seldom() {
        let mut rows = Rows::new(false);
        rows.start("migrate", "backup", "Back up");
        rows.start("impact", "typecheck", "Check types");
        rows.doing("backup", "pg_dump of `dev`");
        let begun = Instant::now();
        assert!(rows.slow(begun).is_empty());
        let told: Vec<String> =
            rows.slow(begun + SLOW).into_iter().map(|(_, step, doing, _)| step + ": " + &doing).collect();
        assert_eq!(told, ["backup: pg_dump of `dev`", "typecheck: Check types"]);
        rows.end("backup");
        assert!(rows.slow(begun + SLOW * 2).is_empty());
        assert_eq!(rows.slow(begun + SLOW + STILL).len(), 1);
    }
}
