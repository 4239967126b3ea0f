//! SARIF 2.1.0, for GitHub's code scanning and its like (OASIS, "Static Analysis Results Interchange Format Version 2.1.0").
//!
//! Invariant: a result's fingerprint is the baseline's, so that a finding stays the same one when lines above it move.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::excerpt::Lines;
use super::{Catalogue, acceptance, said, shown, visible};
use crate::digest;
use crate::review::baseline::Fingerprint;
use crate::review::{Finding, Report, Source};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The whole report, with the line's end.
pub fn sarif(report: &Report, files: &[Source], catalogue: &dyn Catalogue) -> anyhow::Result<String> {
    let found = || report.findings.iter().filter_map(|finding| Some((finding, files.get(finding.file)?)));
    let mut rules: BTreeMap<&str, &Finding> = BTreeMap::new();
    found().for_each(|(finding, _)| {
        rules.entry(finding.id).or_insert(finding);
    });
    let places: HashMap<&str, usize> = rules.keys().enumerate().map(|(place, id)| (*id, place)).collect();
    let lines: Vec<Lines<'_>> = files.iter().map(|source| Lines::new(&source.text)).collect();
    let mut seen = HashMap::new();
    let results = found().map(|(finding, source)| {
        let fingerprint = Fingerprint::of(finding, source);
        let digest =
            digest::of_parts([&fingerprint.path, &fingerprint.id, &fingerprint.statement].map(|part| part.as_bytes()));
        let number = seen.entry(fingerprint).and_modify(|number| *number += 1).or_insert(1);
        let mut result = json!({
            "ruleId": finding.id,
            "ruleIndex": places.get(finding.id),
            "level": finding.severity.word(),
            "message": { "text": message(finding) },
            "locations": [{ "physicalLocation": {
                "artifactLocation": { "uri": address(&shown(&source.path)) },
                "region": {
                    "startLine": finding.line.max(1),
                    "startColumn": finding.column.max(1),
                    "endLine": lines.get(finding.file).map_or(finding.line, |lines| lines.last(finding)).max(1),
                },
            }}],
            // The name that code scanning reads (docs.github.com, "SARIF support for code scanning").
            "partialFingerprints": { "primaryLocationLineHash": format!("{}:{number}", &digest[..32]) },
            "properties": {
                "class": finding.class.word(),
                "decidedBy": finding.decided_by.kind(),
                "lock": finding.lock.map(|lock| lock.to_string()),
                "table": finding.table.as_ref().map(ToString::to_string),
            },
        });
        result["suppressions"] = suppressions(finding, source);
        result
    });
    let results: Vec<Value> = results.collect();
    let rules: Vec<Value> = rules.values().map(|finding| rule(finding, catalogue)).collect();
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "cargo xtask review", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn rule(finding: &Finding, catalogue: &dyn Catalogue) -> Value {
    let aka: Vec<String> =
        catalogue.aka(finding.id).iter().map(|(program, rule)| format!("{program}: {rule}")).collect();
    json!({
        "id": finding.id,
        "shortDescription": { "text": catalogue.describe(finding.id) },
        "defaultConfiguration": { "level": finding.severity.word() },
        "properties": { "tags": [finding.class.word()], "aka": aka },
    })
}

fn message(finding: &Finding) -> String {
    let mut lines = vec![finding.title.clone()];
    lines.extend(said(finding));
    lines.extend(finding.sql.iter().flat_map(|sql| sql.lines()).map(|line| format!("    {line}")));
    lines.iter().map(|line| visible(line)).collect::<Vec<_>>().join("\n")
}

/// An empty list says that nobody suppressed it; none at all would say that nobody knows.
fn suppressions(finding: &Finding, source: &Source) -> Value {
    let (Some(accepted), Some(text)) = (&finding.accepted, acceptance(finding)) else { return json!([]) };
    let own = accepted.place.rsplit_once(':').is_some_and(|(path, _)| path == shown(&source.path));
    let kind = if own { "inSource" } else { "external" };
    json!([{ "kind": kind, "status": "accepted", "justification": visible(&text) }])
}

/// A path as a relative reference, or as `file://` where it is absolute (RFC 3986; a `:` in a first segment would be a scheme's).
fn address(path: &str) -> String {
    let mut out = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.trim_start_matches("./").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::Severity;
    use crate::review::render::testing::{Names, accepted, finding, report, source};

    const SQL: &str = "ALTER TABLE users\n ADD UNIQUE (email);\nDROP TABLE b;";

    fn document(findings: Vec<Finding>, path: &str) -> Value {
        serde_json::from_str(&sarif(&report(findings, vec![2]), &[source(path, SQL)], &Names).unwrap()).unwrap()
    }

    #[test]
    fn what_is_written_is_valid_against_the_official_schema() {
        // Its pattern of a language has a `]` that stands for itself, which the validator wants escaped.
        let schema = include_str!("../../../../tests/sarif/schema.json").replace("{2}]?$", r"{2}\\]?$");
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let mut nowhere = finding("undeclared", Severity::Warning, SQL, "DROP");
        (nowhere.line, nowhere.column, nowhere.span, nowhere.lock, nowhere.table) = (0, 0, 0..0, None, None);
        let all = vec![
            finding("H21", Severity::Error, SQL, "ALTER"),
            accepted(finding("H21", Severity::Note, SQL, "DROP")),
            nowhere,
        ];
        for path in ["packages/db/drizzle/0001 a:ä.sql", "/tmp/a.sql"] {
            let mut document = document(all.clone(), path);
            let wrong: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert_eq!(wrong, [""; 0], "{document:#}");
            document["runs"][0]["results"][0]["level"] = "fatal".into();
            assert!(!validator.is_valid(&document), "the schema sees nothing");
        }
    }

    #[test]
    fn a_result_has_its_lines_its_suppression_and_a_fingerprint_that_repeats_for_no_other() {
        let first = finding("H21", Severity::Error, SQL, "ALTER");
        let mut moved = first.clone();
        moved.line = 2;
        let document = document(vec![first, accepted(moved)], "a b.sql");
        let results = &document["runs"][0]["results"];
        let place = &results[0]["locations"][0]["physicalLocation"];
        assert_eq!(place["region"], json!({"startLine": 1, "startColumn": 1, "endLine": 2}));
        assert_eq!(place["artifactLocation"]["uri"], "a%20b.sql");
        assert_eq!(
            (&results[0]["suppressions"], &results[1]["suppressions"][0]["kind"]),
            (&json!([]), &json!("external"))
        );
        let print =
            |n: usize| results[n]["partialFingerprints"]["primaryLocationLineHash"].as_str().unwrap().to_owned();
        assert_eq!(print(0).split_once(':').map(|(hash, _)| format!("{hash}:2")), Some(print(1)));
        assert_eq!(document["runs"][0]["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(1));
    }
}
