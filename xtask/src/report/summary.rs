//! The summary in the seed's words, and the same facts as Markdown, JSON and a page of HTML.

use std::fmt::Write;

use serde::Serialize;

/// What a run proved, as its evidence says.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    pub schema: &'static str,
    pub run: String,
    pub title: String,
    pub lane: String,
    /// Where the verdicts come from, and how old that is.
    pub data: String,
    pub headline: Vec<Line>,
    pub impact: Vec<(String, String)>,
    pub performance: Vec<(String, String)>,
    pub rollback: Vec<Line>,
    /// Questions that the analysis raised.
    pub confirmations: Vec<String>,
    pub decisions: Vec<Word>,
    pub findings: Vec<String>,
    pub difference: Vec<String>,
    pub steps: Vec<StepLine>,
    pub checklist: Vec<(String, String)>,
}

/// A line with its mark: proven, or why not.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    pub proven: bool,
    pub text: String,
}

/// A person's word.
#[derive(Clone, Debug, Serialize)]
pub struct Word {
    pub step: String,
    pub said: String,
    pub reason: String,
    pub by: String,
    pub at: String,
}

#[derive(Clone, Debug, Serialize)]
pub struct StepLine {
    pub step: String,
    pub status: String,
    pub summary: String,
    pub seconds: f64,
}

fn mark(proven: bool) -> &'static str {
    if proven { "✅" } else { "❌" }
}

/// Headings, order and line beginnings are fixed: people and programs look for them.
#[must_use]
pub fn text(summary: &Summary) -> String {
    let mut out = String::from("Database Change Summary:\n");
    for line in &summary.headline {
        let _ = writeln!(out, "{} {}", mark(line.proven), line.text);
    }
    for (heading, lines) in [("Impact Analysis:", &summary.impact), ("Migration Performance:", &summary.performance)] {
        let _ = writeln!(out, "\n{heading}");
        for (name, value) in lines {
            let _ = writeln!(out, "- {name}: {value}");
        }
    }
    out.push_str("\nRollback Plan:\n");
    for line in &summary.rollback {
        let _ = writeln!(out, "{} {}", mark(line.proven), line.text);
    }
    out.push_str("\nBusiness Logic Confirmations Needed:\n");
    if summary.confirmations.is_empty() {
        out.push_str("none: the analysis raised no question\n");
    }
    for (index, question) in summary.confirmations.iter().enumerate() {
        let _ = writeln!(out, "{}. {question}", index + 1);
    }
    out
}

#[must_use]
pub fn markdown(summary: &Summary) -> String {
    let mut out = format!("## {}\n\n`{}`, lane {}. {}\n\n", summary.title, summary.run, summary.lane, summary.data);
    let _ = write!(out, "```\n{}```\n", text(summary));
    let mut list = |heading: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            let _ = writeln!(out, "\n### {heading}\n");
            for line in lines {
                let _ = writeln!(out, "- {line}");
            }
        }
    };
    list("Schema", summary.difference.iter().map(|line| format!("`{line}`")).collect());
    list("Findings", summary.findings.clone());
    list(
        "Decisions",
        summary
            .decisions
            .iter()
            .map(|word| format!("{}: {} ({}; {}, {})", word.step, word.said, word.reason, word.by, word.at))
            .collect(),
    );
    list(
        "Checklist",
        summary
            .checklist
            .iter()
            .map(|(item, state)| {
                format!("[{}] {item}: {state}", if state == "proven" || state == "attested" { "x" } else { " " })
            })
            .collect(),
    );
    list(
        "Steps",
        summary.steps.iter().map(|step| format!("{} {}: {}", step.step, step.status, step.summary)).collect(),
    );
    out
}

/// One page without anything from outside; readable in both colour schemes.
#[must_use]
pub fn html(summary: &Summary) -> String {
    let mut body = String::new();
    let _ = write!(
        body,
        "<h1>{}</h1><p>{}, lane {}. {}</p><pre>{}</pre>",
        escaped(&summary.title),
        escaped(&summary.run),
        escaped(&summary.lane),
        escaped(&summary.data),
        escaped(&text(summary))
    );
    let mut table = |heading: &str, rows: Vec<Vec<String>>| {
        if rows.is_empty() {
            return;
        }
        let _ = write!(body, "<h2>{heading}</h2><table>");
        for row in rows {
            let cells: String = row.iter().map(|cell| format!("<td>{}</td>", escaped(cell))).collect();
            let _ = write!(body, "<tr>{cells}</tr>");
        }
        body.push_str("</table>");
    };
    table("Schema", summary.difference.iter().map(|line| vec![line.clone()]).collect());
    table("Findings", summary.findings.iter().map(|line| vec![line.clone()]).collect());
    table(
        "Decisions and attestations",
        summary
            .decisions
            .iter()
            .map(|word| {
                vec![word.step.clone(), word.said.clone(), word.reason.clone(), word.by.clone(), word.at.clone()]
            })
            .collect(),
    );
    table("Checklist", summary.checklist.iter().map(|(item, state)| vec![item.clone(), state.clone()]).collect());
    table(
        "Steps",
        summary
            .steps
            .iter()
            .map(|step| {
                vec![step.step.clone(), step.status.clone(), step.summary.clone(), format!("{:.1} s", step.seconds)]
            })
            .collect(),
    );
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:60rem;\
         margin:2rem auto;padding:0 1rem}}pre,table{{overflow-x:auto;display:block}}td{{padding:.2rem .8rem .2rem 0;vertical-align:top}}</style>{body}</html>\n",
        escaped(&summary.title)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_whose_step_did_not_pass_bears_a_cross() {
        let line = |proven, text: &str| Line { proven, text: text.to_owned() };
        let summary = Summary {
            schema: "1.0",
            run: "r-1".to_owned(),
            title: "T".to_owned(),
            lane: "additive".to_owned(),
            data: String::new(),
            headline: vec![line(true, "Schema: a.b modified"), line(false, "Tests: 0 tests passing")],
            impact: Vec::new(),
            performance: Vec::new(),
            rollback: vec![line(false, "Rollback tested")],
            confirmations: Vec::new(),
            decisions: Vec::new(),
            findings: Vec::new(),
            difference: Vec::new(),
            steps: Vec::new(),
            checklist: Vec::new(),
        };
        for text in [text(&summary), markdown(&summary), html(&summary)] {
            for wanted in ["✅ Schema: a.b modified", "❌ Tests: 0 tests passing", "❌ Rollback tested"] {
                assert!(text.contains(wanted), "`{wanted}` is not in: {text}");
            }
        }
    }
}
