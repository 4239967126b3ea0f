//! The safe way that findings write down: over the whole corpus each line of it is SQL, and what leaves no gap runs on a copy of the
//! case's database, where what stands before the finding has run.
//!
//! What a row forbids is no fault of a remedy that is about that row: constraint violations (class 23) and values that cannot be
//! converted (class 22) pass. Anything else is a remedy that sends people into an error.

use std::collections::BTreeSet;

use xtask::pg::server::Server;
use xtask::process::environment;
use xtask::process::tools::{self, Wanted};
use xtask::review::Finding;
use xtask::review::set::{Before, Set};
use xtask::sql::guard::{Guarded, guarded};

use crate::accuracy::{self, live, without_database};
use crate::corpus;
use crate::corpus::case::{self, Case};

const MAJOR: u32 = 15;

fn cases() -> Vec<Case> {
    accuracy::chosen(MAJOR)
}

/// The lines that are no comment.
fn statements(finding: &Finding) -> Vec<&str> {
    finding.sql.iter().map(String::as_str).filter(|sql| !sql.trim_start().starts_with("--")).collect()
}

/// Something that a reader must put in.
fn has_gap(sql: &str) -> bool {
    let opens = |(at, _): (usize, &str)| sql[at + 1..].starts_with(|next: char| next.is_ascii_lowercase());
    sql.contains('…') || sql.match_indices('<').any(opens)
}

fn wrong_syntax(case: &Case, finding: &Finding) -> Vec<String> {
    let wrong = |sql: &&str| match guarded(sql) {
        Guarded::Parsed(parsed) => !parsed.errors.is_empty() || parsed.statements.is_empty(),
        Guarded::NotParsed { .. } => true,
    };
    let complete = statements(finding).into_iter().filter(|sql| !has_gap(sql));
    complete.filter(wrong).map(|sql| format!("{} {}: {sql}", case.path, finding.id)).collect()
}

#[test]
fn each_line_of_the_safe_way_is_sql() {
    let mut wrong = Vec::new();
    let mut ids = BTreeSet::new();
    for case in cases() {
        for finding in without_database(&case, MAJOR).findings {
            if !statements(&finding).is_empty() {
                ids.insert(finding.id);
            }
            wrong.extend(wrong_syntax(&case, &finding));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let all = environment::var("CORPUS").is_none();
    assert!(!all || ids.len() >= 30, "{ids:?}");
}

/// The statements of the case that run before the finding's.
fn before(set: &Set, finding: &Finding) -> Vec<String> {
    let mut all = Vec::new();
    for (number, source) in set.files.iter().enumerate().take(finding.file + 1) {
        let Guarded::Parsed(parsed) = guarded(&source.text) else { return Vec::new() };
        let earlier = |start: usize| number < finding.file || start < finding.span.start;
        all.extend(parsed.statements.into_iter().filter(|found| earlier(found.start)).map(|found| found.text));
    }
    all
}

/// Runs what is complete, line by line, as a person would; what fails.
fn run(server: &Server, database: &str, earlier: &[String], finding: &Finding) -> Option<String> {
    let mut client = server.connect(database).unwrap();
    let begins = |words: &str| finding.sql.first().is_some_and(|line| line.starts_with(words));
    let first_of_all = begins("-- before the deploy") || begins("-- in place of both");
    let itself = Some(finding.statement.to_string()).filter(|_| begins("-- behind it"));
    for sql in earlier.iter().filter(|_| !first_of_all).chain(itself.as_ref()) {
        // The case may be about a statement that fails.
        let _ = client.batch_execute(sql);
    }
    let _ = client.batch_execute("COMMIT");
    for sql in statements(finding) {
        if has_gap(sql) {
            return None;
        }
        if let Err(error) = client.batch_execute(sql) {
            let code = error.code().map_or("none", |code| code.code()).to_owned();
            let message = error.as_db_error().map(|error| error.message().to_owned()).unwrap_or_default();
            // What a person must have done before, and what rows forbid.
            let conditional = begins("-- once") || code.starts_with("23") || code.starts_with("22");
            return (!conditional).then(|| format!("{code} {message}\n      {sql}"));
        }
    }
    None
}

/// Those of statements that PostgreSQL does not refuse as they stand, whatever else is said of them.
fn possible(findings: Vec<Finding>) -> Vec<Finding> {
    let refused: BTreeSet<(usize, usize)> = findings
        .iter()
        .filter(|finding| finding.id == "H100")
        .map(|finding| (finding.file, finding.span.start))
        .collect();
    findings.into_iter().filter(|finding| !refused.contains(&(finding.file, finding.span.start))).collect()
}

#[test]
#[ignore = "a copy of a database for each finding, minutes: cargo xtask test --full"]
fn each_complete_safe_way_runs_on_the_database_of_its_case() {
    let server = corpus::server(&tools::postgres(&Wanted { major: Some(MAJOR), ..Wanted::default() }).unwrap());
    let (mut wrong, mut ran) = (Vec::new(), 0);
    for case in cases() {
        for (number, variant) in case.variants().iter().enumerate() {
            let mut told = BTreeSet::new();
            let findings = [without_database(&case, MAJOR), live(&case, &server, "asked", *variant)];
            let findings: Vec<Finding> = possible(findings.into_iter().flat_map(|report| report.findings).collect())
                .into_iter()
                .filter(|finding| !statements(finding).is_empty())
                .filter(|finding| told.insert((finding.id, finding.span.start, finding.sql.clone())))
                .collect();
            if findings.is_empty() {
                continue;
            }
            let template = format!("case {number}");
            drop(case::prepared(&server, &template, &case, *variant));
            let set = accuracy::set(&case, None, Before::Unknown);
            for finding in findings {
                server.clone_database(&template, "copy").unwrap();
                if let Some(why) = run(&server, "copy", &before(&set, &finding), &finding) {
                    wrong.push(format!(
                        "{} {variant:?} {}: {why}\n    {}",
                        case.path,
                        finding.id,
                        finding.sql.join("\n    ")
                    ));
                }
                server.drop_database("copy").unwrap();
                ran += 1;
            }
            server.drop_database(&template).unwrap();
        }
    }
    eprintln!("{ran} ways");
    assert!(wrong.is_empty(), "{} of {ran} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(ran > if environment::var("CORPUS").is_none() { 300 } else { 0 }, "{ran}");
}
