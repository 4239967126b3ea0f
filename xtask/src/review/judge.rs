//! The review itself: each action in turn is shown to every hazard, with what is known at that point.

use std::mem;
use std::time::Duration;

use super::advisory;
use super::behaviour::Behaviour;
use super::catalog::{Catalog, Nothing, Place, Source};
use super::cost::{self, Cost};
use super::facts::Facts;
use super::finding::{Class, DecidedBy, Finding, Severity};
use super::hazard::Site;
use super::hazards::CATALOGUE;
use super::live::{Asked, Live};
use super::scene::{At, Scene};
use super::session::Session;
use super::set::{Before, Report, Set};
use crate::sql::guard::{self, Guarded};

/// Reviews the files of a set, in their order.
#[must_use]
pub fn review(set: &Set, asked: Option<Asked<'_>>) -> Report {
    judged(set, asked).0
}

/// As [`review`], for a program that ends with it: what was read and found out on the way stays where it is. Taking ten thousand statements
/// apart, name by name, costs a program's end nothing, and here as much as writing the report.
#[must_use]
pub fn last_review(set: &Set, asked: Option<Asked<'_>>) -> Report {
    let (report, known) = judged(set, asked);
    mem::forget(known);
    report
}

fn judged<'a>(set: &Set, asked: Option<Asked<'a>>) -> (Report, (Scene, Facts<'a>)) {
    let scene = Scene::read(set);
    // No database, and nobody knows that the files run one right after the other: each meets what those before it left long ago.
    let settles = !set.pending && asked.is_none();
    let mut facts = facts(set, asked);
    let mut found = Vec::new();
    let mut counts = Vec::new();
    for (file, read) in scene.files.iter().enumerate() {
        let parsed = match &read.parsed {
            Ok(parsed) => parsed,
            Err(why) => {
                found.push(unread(file, 1, 1, 0..0, "", format!("not parsed: {why}")));
                counts.push(0);
                continue;
            }
        };
        counts.push(parsed.statements.len());
        let mut advice = advisory::findings(file, &set.files[file].text, read).into_iter().peekable();
        for error in &parsed.errors {
            let text = around(&set.files[file].text, error.at);
            // One command of psql's is several errors of the parser's, all about one line.
            let command = text.trim_start().strip_prefix('\\').and_then(|rest| rest.split_whitespace().next());
            if command.is_some() && found.last().is_some_and(|last| last.id == "syntax" && last.line == error.line) {
                continue;
            }
            let title = match command {
                Some(command) => format!("`\\{command}` is a command of psql's, which this review does not follow"),
                None => format!("not valid SQL: {}", error.message),
            };
            found.push(unread(file, error.line, error.column, error.at..error.at, text.trim(), title));
        }
        for (place, statement) in parsed.statements.iter().enumerate() {
            let first = found.len();
            if statement.actions.is_empty() {
                let (span, text) = (statement.start..statement.end, &statement.text);
                let title = "nothing is known of this statement".to_owned();
                found.push(unread(file, statement.line, statement.column, span, text, title));
            }
            for (number, action) in statement.actions.iter().enumerate() {
                let at = At { file, statement: place, action: number };
                facts.session.enter(&scene, at);
                let costs = cost::cost(action, &mut facts);
                for hazard in CATALOGUE {
                    let (facts, found) = (&mut facts, &mut found);
                    let costs = &costs;
                    (hazard.judge)(&mut Site { scene: &scene, at, statement, action, costs, facts, hazard, found });
                }
                let old: Vec<Cost> = costs.into_iter().filter(|cost| !facts.is_new(&cost.table, file)).collect();
                facts.session.note(action, old.iter(), at, statement.line, scene.span(at).block);
                facts.apply(action, Place { file: Some(file), statement: place, line: statement.line });
            }
            facts.behaviour.take(statement);
            found.extend(std::iter::from_fn(|| advice.next_if(|finding| finding.span.start <= statement.start)));
            Finding::sort(&mut found[first..]);
        }
        found.extend(advice);
        if settles {
            facts.catalog.settle();
            facts.session.settle();
        }
    }
    if let Some(instead_of) = facts.live.as_ref().and_then(Live::instead_of) {
        found.iter_mut().for_each(|finding| open_again(finding, instead_of));
    }
    Finding::sort(&mut found);
    let report = Report {
        findings: found,
        statements: counts,
        asked: facts.asked().map(str::to_owned),
        asking: facts.live.as_ref().map_or(Duration::ZERO, |live| live.waited),
    };
    (report, (scene, facts))
}

pub(super) fn facts<'a>(set: &Set, asked: Option<Asked<'a>>) -> Facts<'a> {
    let mut catalog = Catalog::default();
    let mut behaviour = Behaviour::after(matches!(set.before, Before::Files(_)));
    let before: Option<Box<dyn Source>> = match &set.before {
        Before::Unknown => None,
        Before::Snapshot(snapshot) => Some(snapshot.clone()),
        Before::Files(texts) => {
            for text in texts {
                let Guarded::Parsed(parsed) = guard::guarded(text) else { continue };
                for statement in &parsed.statements {
                    let place = Place { file: None, statement: 0, line: statement.line };
                    statement.actions.iter().for_each(|action| catalog.apply(action, place, &mut Nothing));
                    behaviour.take(statement);
                }
            }
            None
        }
    };
    // What a database says of itself is newer than any file.
    let (catalog, behaviour) =
        if asked.is_some() { (Catalog::default(), Behaviour::default()) } else { (catalog, behaviour) };
    let mut live = asked.map(Live::new);
    let major = live.as_mut().and_then(Live::major).or(set.major);
    let settings = std::collections::HashMap::new();
    Facts {
        catalog,
        behaviour,
        live,
        before,
        major,
        rows: set.rows.clone(),
        pending: set.pending,
        session: Session::default(),
        settings,
    }
}

/// What one database's rows made harmless may be none in the one that counts.
fn open_again(finding: &mut Finding, instead_of: &str) {
    let may_differ = matches!(finding.class, Class::DataLoss | Class::BreaksCode | Class::MayFail | Class::Lock);
    if let DecidedBy::Live(detail) = &mut finding.decided_by
        && may_differ
        && finding.severity == Severity::Note
    {
        finding.severity = Severity::Warning;
        detail.push_str(&format!("; {instead_of} was not asked"));
    }
}

/// Bytes of a line that are looked at, before a place and behind it.
const AROUND: usize = 500;

/// The line around a byte, or what is near of a long one.
fn around(text: &str, at: usize) -> &str {
    let at = text.floor_char_boundary(at);
    let (first, last) = (text.ceil_char_boundary(at.saturating_sub(AROUND)), text.floor_char_boundary(at + AROUND));
    let begin = text[first..at].rfind('\n').map_or(first, |end| first + end + 1);
    let end = text[at..last].find('\n').map_or(last, |end| at + end);
    &text[begin..end]
}

fn unread(
    file: usize,
    line: usize,
    column: usize,
    span: std::ops::Range<usize>,
    statement: &str,
    title: String,
) -> Finding {
    Finding {
        id: "syntax",
        class: Class::Syntax,
        severity: Severity::Error,
        title,
        file,
        line,
        column,
        span,
        statement: statement.into(),
        table: None,
        lock: None,
        rewrites: false,
        scans: false,
        decided_by: DecidedBy::Static(String::new()),
        remedy: "correct the statement: what cannot be read was not judged".into(),
        sql: Vec::new(),
        rule: None,
        accepted: None,
    }
}
