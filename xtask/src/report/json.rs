//! Events for a program: one object a line on stdout. The README's table of them is the interface, and a test reads it.
//!
//! Adding a key is a minor version; taking one away, or giving it another meaning, is a major one.

use serde_json::{Value, json};

use super::terminal::data;
use crate::engine::runner::Stop;
use crate::engine::{Display, Event};
use crate::failure::Failure;

/// `schema` of every object on stdout.
pub const SCHEMA: &str = "1.0";

pub struct JsonLines;

impl Display for JsonLines {
    fn event(&self, event: &Event<'_>) {
        if let Some(Value::Object(keys)) = described(event) {
            let mut object = serde_json::Map::new();
            object.insert("schema".to_owned(), json!(SCHEMA));
            object.extend(keys);
            data(&format!("{}\n", Value::Object(object)));
        }
    }
}

/// None for what only moves on a terminal: a command's lines are in its log.
fn described(event: &Event<'_>) -> Option<Value> {
    Some(match event {
        Event::Opened { state, .. } => json!({
            "event": "opened", "run": state.run, "title": state.title, "branch": state.branch, "started": state.started,
            "lane": state.lane.map(|lane| lane.to_string()),
        }),
        Event::Started { phase, step } => json!({"event": "started", "phase": phase, "step": step.id.get_ref()}),
        Event::Doing { step, text } => json!({"event": "line", "step": step, "text": text}),
        Event::Note { step, text } => json!({"event": "note", "step": step, "text": text}),
        Event::Stale { phase, step, reason } => {
            json!({"event": "stale", "phase": phase, "step": step, "reason": reason})
        }
        Event::Ended { phase, step, status, summary, seconds, fresh } => json!({
            "event": "ended", "phase": phase, "step": step, "status": status.words(),
            "summary": summary, "seconds": seconds, "fresh": fresh,
        }),
        Event::Stopped { stop } => {
            let (outcome, held) = match stop {
                Some(Stop::Done) => ("done", Vec::new()),
                Some(Stop::Ended(_)) => ("ended", Vec::new()),
                Some(Stop::Held { step, failure, others }) => {
                    let others = others.iter().map(|(step, failure)| (step, failure));
                    ("held", [(step, failure)].into_iter().chain(others).map(held).collect())
                }
                None => ("error", Vec::new()),
            };
            json!({"event": "stopped", "outcome": outcome, "held": held})
        }
        Event::Line { .. } => return None,
    })
}

fn held((step, failure): (&String, &Failure)) -> Value {
    json!({
        "step": step, "exit": failure.kind.exit_code(), "message": failure.message, "details": failure.details,
        "hints": failure.hints,
    })
}
