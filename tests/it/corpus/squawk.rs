//! squawk for comparison: the pinned binary of its npm package, fetched once into the per-user cache and run directly, since
//! its node wrapper costs more than the linting. What it finds in a case are names of its rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use xtask::digest;
use xtask::process::cache::{building, put_in_place};
use xtask::process::{Run, places, tools};

use super::case::{self, Case, Label, Runs};
use crate::sample::Ran;

/// The newest on npm in November 2026.
pub const VERSION: &str = "2.66.0";
const PACKAGE: &str = "@squawk-cli/linux-x64";
const SHA256: &str = "29a97bb145dbfd3868b04e7155f8d6773dfa81cb6f5e82530960539e55f4fa3a";

/// About every statement of every file: whether there are time-outs is the runner's to say, `IF EXISTS` is a matter of taste.
pub const NOISY: [&str; 3] = ["require-lock-timeout", "require-statement-timeout", "prefer-robust-stmts"];

#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Without [`NOISY`].
    pub quiet: bool,
    /// Tells squawk which files run in a transaction.
    pub transactions: bool,
}

/// The binary; fetched when the cache does not hold it.
#[must_use]
pub fn program() -> PathBuf {
    let platform = (std::env::consts::OS, std::env::consts::ARCH);
    assert_eq!(platform, ("linux", "x86_64"), "only the package {PACKAGE} is pinned");
    let cache = places::cache();
    let folder = cache.join(format!("squawk-{VERSION}"));
    let program = folder.join("squawk");
    if program.is_file() {
        return program;
    }
    let work = building(&cache).unwrap();
    let npm = tools::on_path("npm").expect("npm, to fetch squawk");
    let pack = ["pack", "--silent", &format!("{PACKAGE}@{VERSION}")];
    let packed = Ran::of(&Run::new(npm, work.path()).args(pack).timeout(Duration::from_secs(300)));
    assert_eq!(packed.code, 0, "{}", packed.stderr);
    let tarball = work.path().join(packed.stdout.trim());
    assert_eq!(digest::of_file(&tarball).unwrap(), SHA256, "not the pinned package");
    let untar = Ran::of(&Run::new("tar", work.path()).arg("-xzf").arg(&tarball));
    assert_eq!(untar.code, 0, "{}", untar.stderr);
    let made = work.path().join("package/bin");
    fs::set_permissions(made.join("squawk"), fs::Permissions::from_mode(0o755)).unwrap();
    put_in_place(&made, &folder, || program.is_file()).unwrap();
    program
}

/// The rules that squawk names per case, by its path; a set of files has those of each.
#[must_use]
pub fn rules(cases: &[Case], options: Options) -> BTreeMap<String, BTreeSet<String>> {
    let program = program();
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
