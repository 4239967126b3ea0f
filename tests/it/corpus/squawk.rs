//! squawk for comparison. What it finds in a case are names of its rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;
use xtask::process::{Run, fetch, places};

use super::case::{self, Case, Label, Runs};
use crate::sample::Ran;

/// About every statement of every file: whether there are time-outs is the runner's to say, `IF EXISTS` is a matter of taste.
pub const NOISY: [&str; 3] = ["require-lock-timeout", "require-statement-timeout", "prefer-robust-stmts"];

#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Without [`NOISY`].
    pub quiet: bool,
    /// Tells squawk which files run in a transaction.
    pub transactions: bool,
}

/// The rules that squawk names per case, by its path; a set of files has those of each.
#[must_use]
pub fn rules(cases: &[Case], options: Options) -> BTreeMap<String, BTreeSet<String>> {
    let program = fetch::squawk(&places::cache()).unwrap();
    let work = tempfile::tempdir().unwrap();
    let mut found = BTreeMap::new();
    for runs in [Runs::Drizzle, Runs::Psql] {
        let mut paths: BTreeMap<String, String> = BTreeMap::new();
        for (place, case) in cases.iter().enumerate().filter(|(_, case)| case.runs == runs) {
            found.insert(case.path.clone(), BTreeSet::new());
            let folder = work.path().join(place.to_string());
            fs::create_dir(&folder).unwrap();
            for (name, sql) in &case.files {
                fs::write(folder.join(name), sql).unwrap();
                paths.insert(folder.join(name).display().to_string(), case.path.clone());
            }
        }
        for finding in lint(&program, work.path(), paths.keys(), options, runs) {
            let (file, rule) = (finding["file"].as_str().unwrap(), finding["rule_name"].as_str().unwrap());
            found.get_mut(&paths[file]).unwrap().insert(rule.to_owned());
        }
    }
    found
}

fn lint<'a>(
    program: &Path,
    folder: &Path,
    paths: impl Iterator<Item = &'a String>,
    options: Options,
    runs: Runs,
) -> Vec<Value> {
    let mut run = Run::new(program, folder).args(["--reporter", "json"]);
    if options.quiet {
        run = run.args(["--exclude", &NOISY.join(",")]);
    }
    if options.transactions && runs == Runs::Drizzle {
        run = run.arg("--assume-in-transaction");
    }
    let ran = Ran::of(&run.args(paths));
    assert!(ran.code <= 1, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

/// In how many cases of a label squawk names something.
fn flagged(cases: &[Case], found: &BTreeMap<String, BTreeSet<String>>, label: Label) -> (usize, usize) {
    let of_label = cases.iter().filter(|case| case.label == label);
    let flagged = of_label.clone().filter(|case| !found[&case.path].is_empty()).count();
    (flagged, of_label.count())
}

#[test]
#[ignore = "fetches squawk from npm: cargo xtask test --full"]
fn squawk_is_compared_on_the_whole_corpus() {
    let cases = case::all();
    let ways = [
        ("default rules", Options::default()),
        ("without the three noisy rules", Options { quiet: true, transactions: false }),
        ("without them, drizzle's files in a transaction", Options { quiet: true, transactions: true }),
    ];
    let mut results = Vec::new();
    for (name, options) in ways {
        let found = rules(&cases, options);
        assert_eq!(found.len(), cases.len());
        let [dangerous, safe, data, unjudgeable] = [Label::Dangerous, Label::Safe, Label::Data, Label::Unjudgeable]
            .map(|label| flagged(&cases, &found, label));
        eprintln!("{name}: dangerous {dangerous:?}, safe {safe:?}, data {data:?}, unjudgeable {unjudgeable:?}");
        if std::env::var_os("SHOW").is_some() {
            for case in &cases {
                eprintln!("  {:?} {} {:?}", case.label, case.path, found[&case.path]);
            }
        }
        assert!(found["drop/column_with_values.sql"].contains("ban-drop-column"));
        results.push((dangerous, safe));
    }
    let (noisy, quiet) = (results[0], results[1]);
    assert!(noisy.0.0 >= quiet.0.0 && noisy.1.0 > quiet.1.0, "fewer rules find less: {results:?}");
}
