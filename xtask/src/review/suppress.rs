//! What somebody wrote down as all right: which findings a rule accepts, and which rules accept nothing.
//!
//! Invariant: an accepted finding stays in the report with the reason and the place of its acceptance. A rule that is out of date accepts
//! nothing; what accepts nothing is said.

use std::collections::{HashMap, HashSet};
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
    if rules.is_empty() {
        return troubles;
    }
    let mut places = Places::of(findings);
    for (number, rule) in rules.iter().enumerate() {
        if let Some(over) = rule.until.as_ref().filter(|until| *until < today) {
            troubles.push((number, Trouble::Expired(over.clone())));
            continue;
        }
        let mut unused = rule.ids.clone();
        unused.retain(|id| !places.used(rule, id));
        for at in places.about(rule) {
            let Some(finding) = findings.get_mut(at).filter(|finding| rule.is_about(finding)) else { continue };
            unused.retain(|id| id != finding.id);
            finding.accepted.get_or_insert_with(|| Accepted {
                reason: rule.reason.clone(),
                place: rule.place.clone(),
                until: rule.until.as_ref().map(ToString::to_string),
            });
        }
        if !unused.is_empty() {
            troubles.push((number, Trouble::Unused(unused)));
        }
    }
    troubles
}

/// Where the findings are, so that a rule looks at those it may be about, and at those of a whole file once for each id.
struct Places {
    /// File, first byte, and number of each that is about a statement.
    by_byte: Vec<(usize, usize, usize)>,
    by_id: HashMap<(usize, &'static str), Vec<usize>>,
    /// Files and ids that a rule accepted all of.
    done: HashSet<(usize, String)>,
}

impl Places {
    fn of(findings: &[Finding]) -> Places {
        let mut places = Places { by_byte: Vec::new(), by_id: HashMap::new(), done: HashSet::new() };
        for (number, finding) in findings.iter().enumerate().filter(|(_, finding)| can_be_accepted(finding)) {
            if !finding.span.is_empty() {
                places.by_byte.push((finding.file, finding.span.start, number));
            }
            places.by_id.entry((finding.file, finding.id)).or_default().push(number);
        }
        places.by_byte.sort_unstable();
        places
    }

    /// Whether a rule before this one accepted all that it would accept by this id.
    fn used(&self, rule: &Rule, id: &str) -> bool {
        let Scope::Files(files) = &rule.scope else { return false };
        !self.done.is_empty() && files.iter().any(|file| self.done.contains(&(*file, id.to_owned())))
    }

    /// The findings that a rule may be about and that no rule before it accepted for the whole file.
    fn about(&mut self, rule: &Rule) -> Vec<usize> {
        match &rule.scope {
            Scope::Statement(file, bytes) => {
                let from = |byte| self.by_byte.partition_point(|place| (place.0, place.1) < (*file, byte));
                let (start, end) = (from(bytes.start), from(bytes.end));
                self.by_byte.get(start..end).unwrap_or_default().iter().map(|place| place.2).collect()
            }
            Scope::Files(files) => {
                let mut found = Vec::new();
                for (file, id) in files.iter().flat_map(|file| rule.ids.iter().map(move |id| (*file, id))) {
                    let Some(numbers) = self.by_id.get(&(file, id.as_str())) else { continue };
                    if self.done.insert((file, id.clone())) {
                        found.extend(numbers);
                    }
                }
                found
            }
        }
    }
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
