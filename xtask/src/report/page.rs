//! What a person reads before and after a run: where it stands; every failure, the question, what to type next. Also `status`.

use std::fmt::Write;

use super::terminal::{WIDTH, cut, mark, wrapped};
use crate::engine::view::{self, NextView, View};
use crate::failure::{Failure, Kind};
use crate::state::{State, Status};
use crate::workflow::{Loaded, command, duration};

/// What a run begins with: what it is about, and where it stands if it began before.
#[must_use]
pub fn opening(loaded: &Loaded, state: &State) -> String {
    const INDENT: &str = "           ";
    let mut out = format!("{}  {}   ({})\n", state.workflow, state.title, state.run);
    let mut line = |text: &str| out.push_str(&wrapped(text, WIDTH, INDENT));
    if !state.step.is_empty() {
        let begun = match age(&state.started) {
            Some(age) => format!("begun {} ago", duration::rough(age)),
            None => format!("begun {}", state.started),
        };
        let at = view::next(loaded, state).map(|next| format!("; goes on at {}", next.step)).unwrap_or_default();
        line(&format!("{begun} on the branch {}{at}", state.branch));
    }
    let steps = loaded.in_order().into_iter().map(|step| step.id.get_ref());
    let is = |step: &String, status| state.step.get(step).is_some_and(|present| present.status == status);
    let interrupted: Vec<&str> =
        steps.clone().filter(|step| is(step, Status::Interrupted)).map(String::as_str).collect();
    if !interrupted.is_empty() {
        line(&format!("interrupted, so not passed and run again: {}", interrupted.join(", ")));
    }
    for step in steps.filter(|step| is(step, Status::Stale)) {
        let reason = state.step.get(step).and_then(|present| present.reason.as_deref());
        line(&format!("stale: {step}   because {}", reason.unwrap_or("of what came before it")));
    }
    if let Some(lane) = state.lane {
        line(&format!("lane {lane}: {}", state.lane_reason.as_deref().unwrap_or_default()));
    }
    out.push('\n');
    out
}

fn age(started: &str) -> Option<std::time::Duration> {
    humantime::parse_rfc3339(started).ok()?.elapsed().ok()
}

/// The page for a step that held the run up.
#[must_use]
pub fn held(workflow: &str, step: &str, failure: &Failure, next: Option<&NextView>) -> String {
    let mut out = String::from("\n");
    let waiting = failure.kind == Kind::Waiting;
    if !waiting || !failure.details.is_empty() || !failure.hints.is_empty() {
        let mut shown = failure.clone();
        if waiting {
            shown.hints.clear();
        }
        out.push_str(&shown.render());
        if !waiting {
            let log = command(workflow, &format!("logs {step}"));
            let known = failure.hints.iter().any(|hint| hint.contains(&log));
            let log = if known { String::new() } else { format!("   (its log: {log})") };
            let _ = writeln!(out, "held up by: {step}{log}");
        }
    }
    if waiting && let Some(next) = next {
        out.push_str(&question(next));
        for hint in &failure.hints {
            let _ = writeln!(out, "hint: {hint}");
        }
    }
    out
}

/// The end of a run that did not pass: what to type next.
#[must_use]
pub fn go_on(loaded: &Loaded, failure: &Failure) -> String {
    let first = match failure.kind {
        Kind::Temporary | Kind::Busy => "try again",
        _ => "mend it, then go on",
    };
    format!("\nnext  {first}: {}\n", command(&loaded.workflow.name, ""))
}

/// The end of a run that someone stopped: what was cut off, what is left, what to type next.
#[must_use]
pub fn stopped(loaded: &Loaded, state: &State, cut_off: &[&str]) -> String {
    let done =
        |id: &String| state.step.get(id).is_some_and(|step| matches!(step.status, Status::Passed | Status::Skipped));
    let all = loaded.in_order();
    let left: Vec<&str> = all.iter().map(|step| step.id.get_ref()).filter(|id| !done(id)).map(String::as_str).collect();
    let named = |heading: &str, steps: &[&str]| wrapped(&format!("{heading}: {}", steps.join(", ")), WIDTH, "");
    let left = named(&format!("left: {} of {} steps", left.len(), all.len()), &left);
    format!(
        "\nstopped as you asked: nothing is at work any more, what had passed stays proven\n{}{left}next  {}\n",
        named("held up by", cut_off),
        command(&loaded.workflow.name, "")
    )
}

/// A question with its options and the command that answers it.
#[must_use]
pub fn question(next: &NextView) -> String {
    let mut out = String::new();
    for detail in &next.details {
        out.push_str(&hanging(detail));
    }
    if let Some(text) = &next.question {
        out.push('\n');
        out.push_str(&wrapped(text, 80, "  "));
    }
    for option in &next.options {
        let _ = writeln!(out, "    {}  {}", option.n, option.label);
        out.push_str(&wrapped(&option.leads_to, 80, "         "));
    }
    if let Some(ask) = &next.ask {
        let _ = writeln!(out, "  {ask}");
    }
    let doing = match next.kind {
        "decision" => "answer with",
        "attestation" => "then say so with",
        "edit" => "when it is done, go on with",
        _ => "go on with",
    };
    let _ = writeln!(out, "\n  {} waits for you; {doing}\n    {}", next.step, next.command);
    if next.by == "person" {
        out.push_str("  this is a person's word: said at a terminal, or signed with --sign KEYFILE\n");
    }
    out
}

/// A detail; what does not fit goes on below, further in. A label, parted by two spaces or more, keeps its column.
fn hanging(detail: &str) -> String {
    if detail.chars().count() + 4 <= WIDTH {
        return format!("    {detail}\n");
    }
    let (label, text) = detail.split_once("  ").unwrap_or(("", detail));
    let text = text.trim_start();
    let column = if label.is_empty() || label.len() > 20 { 0 } else { detail.find(text).unwrap_or(0) };
    let (label, text) = if column == 0 { ("", detail) } else { (label, text) };
    let hang = if column == 0 { 2 } else { column };
    let mut out = String::new();
    for (index, line) in wrapped(text, WIDTH - 4 - hang, "").lines().enumerate() {
        let left = if index == 0 { format!("{label:<column$}") } else { " ".repeat(hang) };
        out.push_str(&format!("    {left}{line}\n"));
    }
    out
}

/// `db-change status`.
#[must_use]
pub fn status(view: &View, loaded: &Loaded, state: &State) -> String {
    let mut out = format!("db-change  {}   ({}, branch {})\n", view.change.title, view.run, view.change.branch);
    if let Some(lane) = &view.lane {
        let _ = writeln!(out, "           lane {lane}: {}", state.lane_reason.as_deref().unwrap_or_default());
    }
    for (phase, shown) in loaded.workflow.phase.iter().zip(&view.phases) {
        let _ = writeln!(out, "\n  {}  {}", shown.id, shown.title);
        for step in &phase.step {
            let present = state.step.get(step.id.get_ref()).cloned().unwrap_or_default();
            let text = match present.status {
                Status::Passed | Status::Skipped => present.summary.clone(),
                Status::Pending => step.title.clone(),
                other => format!("{}: {}", other.words(), present.reason.clone().unwrap_or_default()),
            };
            let time = match present.status {
                Status::Passed | Status::Failed => {
                    duration::human(std::time::Duration::from_secs_f64(present.seconds.max(0.0)))
                }
                _ => String::new(),
            };
            let left = format!("    {} {:<20} ", mark(present.status), step.id.get_ref());
            let room = 80_usize.saturating_sub(left.chars().count() + time.chars().count() + 1);
            let line = format!("{left}{:<room$} {time}", cut(&text, room));
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    out.push('\n');
    match (&view.next, &view.change.outcome) {
        (Some(next), _) if next.kind == "run" => {
            let _ = writeln!(out, "next  {}   ({})", next.command, next.step);
        }
        (Some(next), _) => out.push_str(&question(next)),
        (None, outcome) => {
            let _ = writeln!(out, "ended: {}", outcome.as_deref().unwrap_or("all steps passed"));
        }
    }
    out
}
