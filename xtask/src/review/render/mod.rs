//! A report as text, JSON, SARIF and GitHub's annotations.
//!
//! Invariant: all four say the same findings, those that somebody accepted too, and none lets a control character of a file through.

mod excerpt;
mod github;
mod json;
mod sarif;
mod text;

use std::path::Path;

use super::finding::{Finding, Severity};
use super::set::Report;

pub use github::github;
pub use json::json;
pub use sarif::sarif;
pub use text::text;

/// What is known of a finding's id, whatever file it is in.
pub trait Catalogue {
    /// How other programs call it: `("squawk", "adding-not-nullable-field")`.
    fn aka(&self, id: &str) -> Vec<(&'static str, &'static str)>;
    /// The hazard in a few words.
    fn describe(&self, id: &str) -> String;
}

/// How many findings of each kind nobody accepted, and how many somebody did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    errors: usize,
    warnings: usize,
    notes: usize,
    accepted: usize,
}

impl Counts {
    fn of(report: &Report) -> Self {
        let mut counts = Counts::default();
        for finding in &report.findings {
            *match (&finding.accepted, finding.severity) {
                (Some(_), _) => &mut counts.accepted,
                (None, Severity::Error) => &mut counts.errors,
                (None, Severity::Warning) => &mut counts.warnings,
                (None, Severity::Note) => &mut counts.notes,
            } += 1;
        }
        counts
    }
}

/// `3 files, 21 statements: 1 error, 2 warnings, 4 notes; 1 accepted`
#[must_use]
pub fn summary(report: &Report) -> String {
    let counts = Counts::of(report);
    let open = [(counts.errors, "error"), (counts.warnings, "warning"), (counts.notes, "note")];
    let open: Vec<String> =
        open.into_iter().filter(|(number, _)| *number > 0).map(|(n, word)| counted(n, word)).collect();
    let found = if open.is_empty() { "nothing found".to_owned() } else { open.join(", ") };
    let files = counted(report.statements.len(), "file");
    let statements = counted(report.statements.iter().sum(), "statement");
    let accepted = if counts.accepted > 0 { format!("; {} accepted", counts.accepted) } else { String::new() };
    format!("{files}, {statements}: {found}{accepted}")
}

fn counted(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// `takes ACCESS EXCLUSIVE on users and writes it anew: reads and writes wait`
fn locking(finding: &Finding) -> Option<String> {
    let lock = finding.lock?;
    let table = finding.table.as_ref().map_or(String::new(), |table| format!(" on {table}"));
    let work = match (finding.rewrites, finding.scans) {
        (true, _) => " and writes it anew",
        (false, true) => " and reads all of it",
        (false, false) => "",
    };
    let work = if table.is_empty() { "" } else { work };
    Some(format!("takes {lock}{table}{work}: {} wait", lock.blocks()))
}

/// What a finding says besides its title and its SQL.
fn said(finding: &Finding) -> Vec<String> {
    let mut said: Vec<String> = locking(finding).into_iter().collect();
    said.push(format!("decided by: {}", finding.decided_by));
    said.extend(Some(finding.remedy.to_string()).filter(|remedy| !remedy.is_empty()));
    said
}

/// `accepted until 2027-01-31 in workflows/db-change.toml:80: the table is empty`
fn acceptance(finding: &Finding) -> Option<String> {
    let accepted = finding.accepted.as_ref()?;
    let until = accepted.until.as_ref().map_or(String::new(), |day| format!(" until {day}"));
    Some(format!("accepted{until} in {}: {}", accepted.place, accepted.reason))
}

/// A path as addresses and other programs have it, with `/`.
pub(in crate::review) fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    if std::path::MAIN_SEPARATOR == '/' { text.into_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") }
}

/// Written so that a terminal shows it and does nothing else: control characters, and those that turn the reading direction or are
/// not seen.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|character| push_visible(&mut out, character));
    out
}

fn push_visible(out: &mut String, character: char) {
    match character {
        '\t' => out.push_str("    "),
        character if is_unseen(character) => out.extend(character.escape_unicode()),
        character => out.push(character),
    }
}

fn is_unseen(character: char) -> bool {
    let turns =
        matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    character.is_control() || turns
}

#[cfg(test)]
pub(in crate::review) mod testing;
