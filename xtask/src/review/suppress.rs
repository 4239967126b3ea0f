//! What somebody wrote down as all right: which findings a rule accepts, and which rules accept nothing.
//!
//! Invariant: an accepted finding stays in the report with the reason and the place of its acceptance. A rule that is out of date accepts
//! nothing; what accepts nothing is said.

use std::ops::Range;

use super::baseline::can_be_accepted;
use super::day::Day;
use super::finding::{Accepted, Finding};

/// What a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The statements that begin in these bytes of one file.
    Statement(usize, Range<usize>),
    /// Some of the reviewed files.
    Files(Vec<usize>),
}

/// From a comment or from a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub ids: Vec<String>,
    pub scope: Scope,
    pub reason: String,
    /// The last day on which it counts.
    pub until: Option<Day>,
    /// Where it is written: `0007_x.sql:1`, `workflows/db-change.toml:80`.
    pub place: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its last day is over.
    Expired(Day),
    /// These ids were not found where it looks.
    Unused(Vec<String>),
}

/// Marks what the rules accept, and returns which of them are in trouble.
pub fn apply(rules: &[Rule], findings: &mut [Finding], today: &Day) -> Vec<(usize, Trouble)> {
    let mut troubles = Vec::new();
    for (number, rule) in rules.iter().enumerate() {
        if let Some(over) = rule.until.as_ref().filter(|until| *until < today) {
            troubles.push((number, Trouble::Expired(over.clone())));
            continue;
        }
        let mut unused = rule.ids.clone();
        for finding in findings.iter_mut().filter(|finding| rule.is_about(finding)) {
            unused.retain(|id| id != finding.id);
            let until = rule.until.as_ref().map(ToString::to_string);
            finding.accepted.get_or_insert_with(|| Accepted {
                reason: rule.reason.clone(),
                place: rule.place.clone(),
                until,
            });
        }
        if !unused.is_empty() {
            troubles.push((number, Trouble::Unused(unused)));
        }
    }
    troubles
}

impl Rule {
    pub(super) fn is_about(&self, finding: &Finding) -> bool {
        let here = match &self.scope {
            Scope::Statement(file, bytes) => {
                finding.file == *file && !finding.span.is_empty() && bytes.contains(&finding.span.start)
            }
            Scope::Files(files) => files.contains(&finding.file),
        };
        here && can_be_accepted(finding) && self.ids.iter().any(|id| id == finding.id)
    }
}
