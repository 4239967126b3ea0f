//! Events for a program: one object a line on stdout, `schema` first in each.

use serde_json::json;

use super::terminal::data;
use crate::engine::{Display, Event};

pub struct JsonLines;

impl Display for JsonLines {
    fn event(&self, event: &Event<'_>) {
        let value = match event {
            Event::Opened { state } => json!({"event": "opened", "run": state.run, "title": state.title}),
            Event::Started { phase, step } => json!({"event": "started", "phase": phase, "step": step.id.get_ref()}),
            Event::Line { .. } | Event::Stopped => return,
            Event::Ended { phase, step, status, summary, seconds, fresh } => json!({
                "event": "ended", "phase": phase, "step": step, "status": status.words(),
                "summary": summary, "seconds": seconds, "fresh": fresh,
            }),
        };
        let mut object = serde_json::Map::new();
        object.insert("schema".to_owned(), json!("1.0"));
        object.extend(value.as_object().cloned().unwrap_or_default());
        data(&format!("{}\n", serde_json::Value::Object(object)));
    }
}
