//! Findings that a repo had before it was reviewed: a file with a line for each, which accepts it as long as its statement stays the same.
//!
//! Invariant: an entry accepts one finding. A second statement like it, an edited one and one in another file are new.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::render::shown;
use super::scan::normalised;
use super::{Accepted, Class, DecidedBy, Finding, Severity, Source};
use crate::digest;
use crate::failure::Failure;

const HEAD: &str = "# cargo xtask review: findings from before the first review, one a line (1.0)";

/// What a finding is known by: its id, its file, and its statement without regard to white space and comments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    pub path: String,
    pub id: String,
    pub statement: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// How many findings have this fingerprint.
    entries: BTreeMap<Fingerprint, usize>,
}

impl Fingerprint {
    #[must_use]
    pub fn of(finding: &Finding, source: &Source) -> Self {
        let statement = digest::of(normalised(&finding.statement)).chars().take(32).collect();
        Fingerprint { path: shown(&source.path), id: finding.id.to_owned(), statement }
    }
}

/// What nobody may wave through: a file that cannot be read, and an acceptance that is itself wrong.
#[must_use]
pub fn can_be_accepted(finding: &Finding) -> bool {
    !matches!(finding.class, Class::Syntax | Class::Suppression)
}

impl Baseline {
    /// Of all findings that nobody accepted yet.
    #[must_use]
    pub fn of(findings: &[Finding], files: &[Source]) -> Self {
        let mut entries = BTreeMap::new();
        for finding in findings.iter().filter(|finding| finding.accepted.is_none() && can_be_accepted(finding)) {
            if let Some(source) = files.get(finding.file) {
                *entries.entry(Fingerprint::of(finding, source)).or_default() += 1;
            }
        }
        Baseline { entries }
    }

    /// Reads what [`Baseline::write`] wrote. `place` is the file's path, for errors.
    pub fn read(text: &str, place: &str) -> Result<Self, Failure> {
        let mut entries = BTreeMap::new();
        let lines = text.lines().map(str::trim_end).enumerate();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let mut words = line.splitn(3, ' ');
            let (Some(id), Some(statement), Some(path)) = (words.next(), words.next(), words.next()) else {
                return Err(broken(place, number + 1));
            };
            if statement.len() != 32 || !statement.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(broken(place, number + 1));
            }
            let entry = Fingerprint { path: path.to_owned(), id: id.to_owned(), statement: statement.to_owned() };
            *entries.entry(entry).or_default() += 1;
        }
        Ok(Baseline { entries })
    }

    /// Sorted by path, so that two branches that each add to it meet in few places.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = format!("{HEAD}\n");
        for (Fingerprint { path, id, statement }, number) in &self.entries {
            for _ in 0..*number {
                let _ = writeln!(out, "{id} {statement} {path}");
            }
        }
        out
    }

    /// Accepts what it holds, and returns a note for each entry about a reviewed file that accepts nothing any more.
    #[must_use]
    pub fn apply(&self, findings: &mut [Finding], files: &[Source], place: &str) -> Vec<Finding> {
        let mut left = self.entries.clone();
        for finding in findings.iter_mut().filter(|finding| can_be_accepted(finding)) {
            let Some(source) = files.get(finding.file) else { continue };
            let Some(number) = left.get_mut(&Fingerprint::of(finding, source)).filter(|number| **number > 0) else {
                continue;
            };
            *number -= 1;
            let reason = "found before the first review".to_owned();
            finding.accepted.get_or_insert(Accepted { reason, place: place.to_owned(), until: None });
        }
        let file = |path: &str| files.iter().position(|source| shown(&source.path) == path);
        let left = left.into_iter().filter(|(_, number)| *number > 0);
        left.filter_map(|(entry, _)| Some(stale(&entry, file(&entry.path)?, place))).collect()
    }
}

fn broken(place: &str, line: usize) -> Failure {
    Failure::usage(format!("`{place}` is not a baseline: line {line} is no `id statement path`"))
        .hint("mend the line, or write the file anew from what is found today")
}

fn stale(entry: &Fingerprint, file: usize, place: &str) -> Finding {
    Finding {
        id: "suppression",
        class: Class::Suppression,
        severity: Severity::Note,
        title: format!("`{place}` accepts {} here, and it is not found any more", entry.id),
        file,
        line: 1,
        column: 1,
        span: 0..0,
        statement: "".into(),
        table: None,
        lock: None,
        rewrites: false,
        scans: false,
        decided_by: DecidedBy::Static(String::new()),
        remedy: format!("remove `{} {} {}` from it", entry.id, entry.statement, entry.path).into(),
        sql: Vec::new(),
        rule: None,
        accepted: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::render::testing::{finding, source};

    const SQL: &str = "ALTER TABLE a ADD UNIQUE (x);\nDROP TABLE b;\nDROP TABLE b;";

    fn found(sql: &str) -> Vec<Finding> {
        ["ALTER", "DROP"].map(|statement| finding("H21", Severity::Error, sql, statement)).into()
    }

    #[test]
    fn what_was_written_is_read_back_and_accepts_the_same_findings_moved_and_reformatted() {
        let files = [source("a b.sql", SQL)];
        let baseline = Baseline::of(&found(SQL), &files);
        let text = baseline.write();
        assert_eq!((Baseline::read(&text, "b").unwrap(), text.lines().count()), (baseline.clone(), 3), "{text}");
        let moved = format!("-- new\n\n{}", SQL.replace("ADD UNIQUE", "\n  ADD -- why\n  UNIQUE"));
        let mut findings = found(&moved);
        assert_eq!(baseline.apply(&mut findings, &files, "b"), []);
        assert!(findings.iter().all(|finding| finding.accepted.is_some()));
    }

    #[test]
    fn another_statement_another_file_and_one_more_of_the_same_are_new() {
        let files = [source("a.sql", SQL), source("b.sql", SQL)];
        let baseline = Baseline::of(&found(SQL), &files);
        let mut findings = found(SQL);
        findings.push(Finding { line: 3, ..findings[1].clone() });
        findings.push(Finding { file: 1, ..findings[0].clone() });
        findings[0].statement = format!("{} ADD y int", findings[0].statement).into();
        let stale = baseline.apply(&mut findings, &files, "base");
        let accepted: Vec<bool> = findings.iter().map(|finding| finding.accepted.is_some()).collect();
        assert_eq!(accepted, [false, true, false, false]);
        assert_eq!(stale.len(), 1);
        assert!(stale[0].title.contains("`base` accepts H21 here") && stale[0].severity == Severity::Note);
    }

    #[test]
    fn a_broken_file_is_never_in_it_and_a_broken_line_is_said() {
        let mut findings = found(SQL);
        findings[0].class = Class::Syntax;
        let files = [source("a.sql", SQL)];
        assert_eq!(Baseline::of(&findings, &files).entries.len(), 1);
        let failure = Baseline::read("# x\nH21 0123 a.sql\n", "base").unwrap_err();
        assert_eq!(failure.message, "`base` is not a baseline: line 2 is no `id statement path`");
    }
}
