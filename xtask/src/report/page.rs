//! What a person sees when a run stops: the failure, the question, the next command. Also `status`.

use std::fmt::Write;

use super::terminal::{WIDTH, cut, mark, wrapped};
use crate::engine::view::{NextView, View};
use crate::failure::{Failure, Kind};
use crate::state::{State, Status};
use crate::workflow::{Loaded, duration};

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
            let log = match workflow {
                "db-change" => format!("   (its log: cargo xtask db-change logs {step})"),
                _ => String::new(),
            };
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
