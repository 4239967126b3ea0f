//! Where the review and the run of a migration do not agree: harm that no finding explains, and alarms that the run denies.

use std::fmt::Write as _;

use xtask::review::set::Report;
use xtask::review::{Class, DecidedBy, Finding, Severity};

use crate::corpus::confirm::Seen;
use crate::corpus::observation::MANY;
use crate::corpus::trace::Step;

pub fn disagreements(sql: &str, report: &Report, seen: &Seen) -> Vec<String> {
    let mut found = Vec::new();
    for (place, step) in seen.trace.steps.iter().enumerate() {
        let fails = seen.trace.failure.is_some() && place + 1 == seen.trace.steps.len();
        let of_it: Vec<&Finding> = report.findings.iter().filter(|finding| finding.span.start == step.start).collect();
        let counted: Vec<&Finding> =
            of_it.iter().copied().filter(|finding| finding.severity >= Severity::Warning).collect();
        if fails {
            found.extend(unforeseen(seen, &counted));
        } else {
            let text = &sql[step.start..];
            let searches = text.starts_with("UPDATE") || text.starts_with("DELETE");
            found.extend(unsaid(seen, step, searches, &counted));
            found.extend(denied(seen, step, &counted));
        }
    }
    found.extend(lost(report, seen));
    found.into_iter().map(|what| told(&what, sql, report, seen)).collect()
}

/// It fails, and nothing says that it may.
fn unforeseen(seen: &Seen, counted: &[&Finding]) -> Option<String> {
    let (code, message) = seen.trace.failure.as_ref()?;
    let explains = |finding: &&&Finding| {
        matches!(finding.class, Class::MayFail | Class::Syntax | Class::NotJudged)
            || matches!(finding.decided_by, DecidedBy::NotJudged(_))
            || finding.title.contains(code.as_str())
            || finding.title.contains("refuse")
            || finding.title.contains("fail")
            || finding.title.contains("may be there already")
    };
    if counted.iter().any(|finding| explains(&finding)) {
        return None;
    }
    Some(format!("CALM fails {code}: {message}"))
}

/// It rewrites, reads or writes many rows, and nothing says so.
fn unsaid(seen: &Seen, step: &Step, searches: bool, counted: &[&Finding]) -> Vec<String> {
    let mut found = Vec::new();
    let large = |number: &u32| seen.before.tables.get(number).filter(|table| table.rows > MANY);
    let said = |finding: &&Finding| {
        finding.rewrites
            || finding.scans
            || matches!(finding.class, Class::Lock | Class::NotJudged | Class::DataLoss | Class::MayFail)
    };
    if counted.iter().any(said) {
        return found;
    }
    found.extend(step.rewritten.iter().filter_map(large).map(|table| format!("CALM rewrites {}", table.name)));
    let blocked = |number: &u32| step.blocking.contains(number);
    // What an UPDATE or a DELETE reads to find few rows is told by the rows.
    let scanned = step.read.iter().filter(|(number, rows)| !searches && blocked(number) && **rows > MANY);
    found.extend(
        scanned.filter_map(|(number, _)| large(number)).map(|table| format!("CALM scans {} and locks it", table.name)),
    );
    let written = step.written.iter().filter(|(_, rows)| **rows > MANY);
    found.extend(written.filter_map(|(number, _)| large(number)).map(|table| format!("CALM writes {}", table.name)));
    found
}

/// It succeeded: what said that it cannot, or that it goes over a table, is wrong.
fn denied(seen: &Seen, step: &Step, counted: &[&Finding]) -> Vec<String> {
    let mut found = Vec::new();
    for finding in counted {
        let sure = matches!(finding.decided_by, DecidedBy::Live(_) | DecidedBy::Static(_));
        let quiet = finding.title.contains("without an error");
        if finding.severity == Severity::Error && finding.class == Class::MayFail && sure && !quiet {
            found.push(format!("WOLF {} `{}`, and it succeeds", finding.id, finding.title));
        }
        let Some(table) = finding.table.as_ref().filter(|_| step.seen) else { continue };
        let Some((number, table)) = seen.before.table(&format!("{}.{}", table.schema, table.name)) else { continue };
        if table.rows <= MANY || table.file.is_none() {
            continue;
        }
        if finding.rewrites && !step.rewritten.contains(&number) {
            found.push(format!("WOLF {} says that it rewrites {}", finding.id, table.name));
        }
        let read = step.read.get(&number).copied().unwrap_or_default();
        if finding.scans && read < table.rows && !step.rewritten.contains(&number) {
            found.push(format!("WOLF {} says that it reads {}", finding.id, table.name));
        }
    }
    found
}

/// Something is gone afterwards, and nothing says so.
fn lost(report: &Report, seen: &Seen) -> Vec<String> {
    if seen.trace.failure.is_some() {
        return Vec::new();
    }
    let says = |finding: &&Finding| {
        let explains = matches!(finding.class, Class::DataLoss | Class::NotJudged)
            || finding.title.contains("lose")
            || finding.title.contains("not found through");
        finding.severity >= Severity::Warning && explains
    };
    if report.findings.iter().any(|finding| says(&finding)) {
        return Vec::new();
    }
    // What REFRESH brings back is not lost.
    let views: Vec<&String> =
        seen.before.tables.values().filter(|table| table.is_materialized).map(|table| &table.name).collect();
    let lost = seen.before.lost(&seen.after).into_iter();
    lost.filter(|what| !views.iter().any(|view| what.starts_with(view.as_str())))
        .map(|what| format!("CALM loses {what}"))
        .collect()
}

fn told(what: &str, sql: &str, report: &Report, seen: &Seen) -> String {
    let mut text = format!("{what}\n{sql}");
    for finding in
        report.findings.iter().filter(|finding| finding.severity > Severity::Note || finding.class == Class::MayFail)
    {
        let _ = writeln!(
            text,
            "    {} {} {} {:?} [{}]",
            finding.line,
            finding.severity.word(),
            finding.id,
            finding.title,
            finding.decided_by
        );
    }
    if let Some((code, message)) = &seen.trace.failure {
        let _ = writeln!(text, "    ended in statement {} with {code}: {message}", seen.trace.steps.len());
    }
    text
}
