//! For programs: one object, `schema = "1.0"`; keys are only ever added.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Catalogue, shown};
use crate::review::{Accepted, Finding, Report, Source};

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    files: Vec<File>,
    /// The database that was asked.
    asked: Option<&'a str>,
    /// Spent on waiting for its answers.
    asking_seconds: Option<f64>,
    findings: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct File {
    file: String,
    statements: usize,
}

#[derive(Serialize)]
struct Entry<'a> {
    file: String,
    line: usize,
    column: usize,
    id: &'static str,
    class: &'static str,
    severity: &'static str,
    title: &'a str,
    table: Option<String>,
    lock: Option<String>,
    blocks: Option<&'static str>,
    rewrites: bool,
    decided_by: DecidedBy<'a>,
    remedy: &'a str,
    sql: &'a [String],
    /// Rules of other programs, by program.
    aka: BTreeMap<&'static str, Vec<&'static str>>,
    accepted: Option<&'a Accepted>,
}

#[derive(Serialize)]
struct DecidedBy<'a> {
    kind: &'static str,
    detail: &'a str,
}

/// The whole report, with the line's end.
pub fn json(report: &Report, files: &[Source], catalogue: &dyn Catalogue) -> anyhow::Result<String> {
    let paths: Vec<String> = files.iter().map(|source| shown(&source.path)).collect();
    let statements = report.statements.iter().copied().chain(std::iter::repeat(0));
    let document = Document {
        schema: "1.0",
        files: paths.iter().zip(statements).map(|(file, statements)| File { file: file.clone(), statements }).collect(),
        asked: report.asked.as_deref(),
        asking_seconds: report.asked.as_ref().map(|_| report.asking.as_secs_f64()),
        findings: report.findings.iter().map(|finding| entry(finding, &paths, catalogue)).collect(),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn entry<'a>(finding: &'a Finding, paths: &[String], catalogue: &dyn Catalogue) -> Entry<'a> {
    let mut aka: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (program, rule) in catalogue.aka(finding.id) {
        aka.entry(program).or_default().push(rule);
    }
    Entry {
        file: paths.get(finding.file).cloned().unwrap_or_default(),
        line: finding.line,
        column: finding.column,
        id: finding.id,
        class: finding.class.word(),
        severity: finding.severity.word(),
        title: &finding.title,
        table: finding.table.as_ref().map(ToString::to_string),
        lock: finding.lock.map(|lock| lock.to_string()),
        blocks: finding.lock.map(crate::review::Lock::blocks),
        rewrites: finding.rewrites,
        decided_by: DecidedBy { kind: finding.decided_by.kind(), detail: finding.decided_by.detail() },
        remedy: &finding.remedy,
        sql: &finding.sql,
        aka,
        accepted: finding.accepted.as_ref(),
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
        let text = super::json(&report(vec![full, bare], vec![1]), &[source("a.sql", sql)], &Names).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
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
