//! For programs: one object, `schema = "1.0"`; keys are only ever added.
//!
//! It is written finding by finding, each on a line of its own: a report of a large set is as large as the set, and is never held as a
//! whole.

use std::collections::{BTreeMap, HashMap, hash_map};
use std::fmt::Display;
use std::io::{Result, Write};

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use serde_json::value::{RawValue, to_raw_value};

use super::{Catalogue, shown};
use crate::review::{Accepted, Finding, Lock, Report, Source};
use crate::sql::TableName;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    files: Vec<File<'a>>,
    /// The database that was asked.
    asked: Option<&'a str>,
    /// Spent on waiting for its answers.
    asking_seconds: Option<f64>,
    findings: Entries<'a>,
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    statements: usize,
}

#[derive(Serialize)]
struct Entry<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    id: &'static str,
    class: &'static str,
    severity: &'static str,
    title: &'a str,
    table: Option<Shown<'a, TableName>>,
    lock: Option<Shown<'a, Lock>>,
    blocks: Option<&'static str>,
    rewrites: bool,
    decided_by: DecidedBy<'a>,
    remedy: &'a str,
    sql: &'a [String],
    /// Rules of other programs, by program.
    aka: Option<&'a RawValue>,
    accepted: Option<&'a Accepted>,
}

#[derive(Serialize)]
struct DecidedBy<'a> {
    kind: &'static str,
    detail: &'a str,
}

type Aka = BTreeMap<&'static str, Vec<&'static str>>;

/// What is written as people read it.
struct Shown<'a, T>(&'a T);

impl<T: Display> Serialize for Shown<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

struct Entries<'a> {
    findings: &'a [Finding],
    paths: &'a [String],
    /// Written once for each id.
    aka: HashMap<&'static str, Box<RawValue>>,
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.findings.iter().map(|finding| self.entry(finding)))
    }
}

/// The whole report, with the line's end.
pub fn json(report: &Report, files: &[Source], catalogue: &dyn Catalogue, out: &mut impl Write) -> Result<()> {
    let paths: Vec<String> = files.iter().map(|source| shown(&source.path)).collect();
    let statements = report.statements.iter().copied().chain(std::iter::repeat(0));
    let document = Document {
        schema: "1.0",
        files: paths.iter().zip(statements).map(|(file, statements)| File { file, statements }).collect(),
        asked: report.asked.as_deref(),
        asking_seconds: report.asked.as_ref().map(|_| report.asking.as_secs_f64()),
        findings: Entries { findings: &report.findings, paths: &paths, aka: aka(&report.findings, catalogue)? },
    };
    document.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Lines::default()))?;
    out.write_all(b"\n")
}

/// Compact, but for a line's end before each part of the document's own arrays.
#[derive(Default)]
struct Lines {
    depth: usize,
}

impl Lines {
    /// Of an array in the document itself.
    const OWN: usize = 2;
}

impl Formatter for Lines {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.depth += 1;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.depth -= 1;
        writer.write_all(b"}")
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.depth += 1;
        writer.write_all(b"[")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> Result<()> {
        writer.write_all(match (first, self.depth == Lines::OWN) {
            (true, true) => b"\n",
            (true, false) => b"",
            (false, true) => b",\n",
            (false, false) => b",",
        })
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.depth -= 1;
        writer.write_all(b"]")
    }
}

/// The other names of each id that was found.
fn aka(findings: &[Finding], catalogue: &dyn Catalogue) -> Result<HashMap<&'static str, Box<RawValue>>> {
    let mut all = HashMap::new();
    for finding in findings {
        if let hash_map::Entry::Vacant(slot) = all.entry(finding.id) {
            let mut aka = Aka::new();
            for (program, rule) in catalogue.aka(finding.id) {
                aka.entry(program).or_default().push(rule);
            }
            slot.insert(to_raw_value(&aka)?);
        }
    }
    Ok(all)
}

impl<'a> Entries<'a> {
    fn entry(&'a self, finding: &'a Finding) -> Entry<'a> {
        Entry {
            file: self.paths.get(finding.file).map_or("", String::as_str),
            line: finding.line,
            column: finding.column,
            id: finding.id,
            class: finding.class.word(),
            severity: finding.severity.word(),
            title: &finding.title,
            table: finding.table.as_ref().map(Shown),
            lock: finding.lock.as_ref().map(Shown),
            blocks: finding.lock.map(Lock::blocks),
            rewrites: finding.rewrites,
            decided_by: DecidedBy { kind: finding.decided_by.kind(), detail: finding.decided_by.detail() },
            remedy: &finding.remedy,
            sql: &finding.sql,
            aka: self.aka.get(finding.id).map(|aka| &**aka),
            accepted: finding.accepted.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::review::Severity;
    use crate::review::render::testing::{Names, accepted, finding, report, source};

    #[test]
    fn every_key_that_others_read_is_there_whatever_the_finding_lacks() {
        let sql = "ALTER TABLE users ADD UNIQUE (email);";
        let full = accepted(finding("H21", Severity::Error, sql, "ALTER"));
        let bare = Finding { lock: None, table: None, accepted: None, sql: Vec::new(), ..full.clone() };
        let mut text = Vec::new();
        super::json(&report(vec![full, bare], vec![1]), &[source("a.sql", sql)], &Names, &mut text).unwrap();
        let document: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            (&document["schema"], &document["files"]),
            (&json!("1.0"), &json!([{"file": "a.sql", "statements": 1}]))
        );
        let keys =
            "file line column id class severity title table lock blocks rewrites decided_by remedy sql aka accepted";
        for found in document["findings"].as_array().unwrap() {
            assert_eq!(found.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" "), keys);
        }
        let full = &document["findings"][0];
        assert_eq!((&full["lock"], &full["blocks"]), (&json!("ACCESS EXCLUSIVE"), &json!("reads and writes")));
        assert_eq!(full["decided_by"]["kind"], "live");
        assert_eq!(full["aka"], json!({"squawk": ["one", "two"], "eugene": ["E7"]}));
        assert_eq!(full["accepted"]["until"], "2027-01-31");
        assert_eq!(document["findings"][1]["lock"], Value::Null);
    }
}
