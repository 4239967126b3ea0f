//! What a workflow file accepts: `[[accept]]`, for some files or for all.
//!
//! Invariant: one that is out of date and would have accepted something is an error of its own, at the first place where it would have.

use std::path::{Path, PathBuf};

use super::day::Day;
use super::suppress::{self, Rule, Scope, Trouble};
use super::{Class, DecidedBy, Finding, Severity};
use crate::sql::statements::position;
use crate::workflow::Loaded;
use crate::workflow::model;

/// Marks what is accepted; `paths` are the reviewed files', from the root of the repo. Returns entries that name files of these and
/// accept nothing in them, as they should be said.
pub fn accept(loaded: &Loaded, paths: &[PathBuf], findings: &mut Vec<Finding>, today: &Day) -> Vec<String> {
    let rules: Vec<Rule> = loaded.workflow.accept.iter().map(|entry| rule(loaded, entry, paths)).collect();
    let mut said = Vec::new();
    for (number, trouble) in suppress::apply(&rules, findings, today) {
        let rule = &rules[number];
        match trouble {
            Trouble::Expired(day) => {
                let hit = findings.iter().find(|finding| finding.accepted.is_none() && rule.is_about(finding));
                let hit = hit.map(Finding::place);
                findings.extend(hit.map(|place| expired(&rule.place, &day, place)));
            }
            Trouble::Unused(ids) => {
                let narrow = loaded.workflow.accept[number].scope.is_some();
                if narrow && matches!(&rule.scope, Scope::Files(files) if !files.is_empty()) {
                    said.push(format!("{} accepts {}, and it is not found there", rule.place, ids.join(", ")));
                }
            }
        }
    }
    Finding::sort(findings);
    said
}

fn rule(loaded: &Loaded, entry: &model::Accept, paths: &[PathBuf]) -> Rule {
    let name = loaded.path.file_name().unwrap_or_default().to_string_lossy();
    let (line, _) = position(&loaded.text, entry.rule.span().start);
    let scope = entry.scope.as_ref().map(|scope| scope.get_ref().as_str());
    let about = |path: &Path| scope.is_none_or(|scope| is_about(scope, path));
    let files = (0..).zip(paths).filter(|(_, path)| about(path)).map(|(number, _)| number);
    Rule {
        ids: vec![entry.rule.get_ref().clone()],
        scope: Scope::Files(files.collect()),
        reason: entry.reason.get_ref().clone(),
        until: entry.until.as_ref().and_then(|until| Day::parse(until.get_ref())),
        place: format!("workflows/{name}:{line}"),
    }
}

/// A file, what is below a folder, or what a glob matches; `*` does not reach into folders.
fn is_about(scope: &str, path: &Path) -> bool {
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let matches = || glob::Pattern::new(scope).is_ok_and(|pattern| pattern.matches_path_with(path, options));
    path.starts_with(scope.trim_start_matches("./")) || matches()
}

fn expired(place: &str, day: &Day, (file, line, column): (usize, usize, usize)) -> Finding {
    Finding {
        id: "suppression",
        class: Class::Suppression,
        severity: Severity::Error,
        title: format!("what {place} accepted until {day} is not accepted any more"),
        file,
        line,
        column,
        span: 0..0,
        statement: "".into(),
        table: None,
        lock: None,
        rewrites: false,
        scans: false,
        decided_by: DecidedBy::Static(String::new()),
        remedy: "look at it again: mend the statement, or give a later day with today's reason".into(),
        sql: Vec::new(),
        rule: None,
        accepted: None,
    }
}
