//! Runs the repo's tests and keeps the proof: which tests ran and how each ended, never the exit code alone.
//!
//! bun's exit code is 0 for a file of skipped tests and for a test that calls `process.exit(0)`, and its JUnit file leaves
//! out files that could not be loaded (or isn't written at all). So a run without trouble is one where the report exists, a
//! test ran, nothing failed to load, the database answered, and report and exit code agree. Anything else is named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::junit::{self, Class, Results};
use super::runner::{Part, Runner};
use crate::failure::Failure;
use crate::process::{Log, Mask, Output, Run, refused_session};

/// What to run, and where.
#[derive(Clone)]
pub struct Suite {
    pub bun: PathBuf,
    pub runner: Runner,
    /// The tree: base of all paths in the results.
    pub root: PathBuf,
    /// `./packages/db/tests/x.test.ts` or `./packages/api/`; with the `./`, else bun takes them for parts of any path.
    pub targets: Vec<String>,
    /// Wins over every `.env` file.
    pub env: BTreeMap<String, String>,
    pub mask: Mask,
    pub log: Option<Log>,
    pub timeout: Duration,
}

/// A run that came to its end.
#[derive(Clone, Debug)]
pub struct TestRun {
    pub results: Results,
    pub exit: i32,
    pub seconds: f64,
    /// `file: first line of the error`, for files that could not be loaded and errors outside of tests.
    pub load_errors: Vec<String>,
    pub command: String,
    /// Why the results prove nothing, if so.
    pub trouble: Option<Trouble>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No test ran: no such file, a file without tests, or only skipped ones.
    NoTests(String),
    /// A file could not be loaded, or an error was thrown outside of any test.
    LoadError(String),
    DatabaseDown(String),
    /// A session with another database than the one that was given, which was kept from it.
    Elsewhere(String),
    /// The report is missing, or doesn't agree with the exit code.
    Inconsistent(String),
}

impl Trouble {
    #[must_use]
    pub fn to_failure(&self, command: &str) -> Failure {
        let failure = match self {
            Trouble::NoTests(why) => Failure::step("no test ran, so nothing is proven").detail(why),
            Trouble::LoadError(text) => {
                Failure::step("a test file could not be loaded, so nothing is proven").detail(text)
            }
            Trouble::DatabaseDown(text) => {
                Failure::environment("the tests could not use the database, so nothing is proven").detail(text)
            }
            Trouble::Elsewhere(text) => {
                Failure::refused("the tests would use another database than the one they were given")
                    .detail(text)
                    .hint("take the database from `DATABASE_URL` where they open it")
            }
            Trouble::Inconsistent(text) => {
                Failure::step("the test run left no result that can be relied on").detail(text)
            }
        };
        failure.hint(format!("see its log, or run `{command}` yourself"))
    }
}

impl TestRun {
    /// This run and another package's, as one; trouble in either is trouble.
    fn and(mut self, other: TestRun) -> TestRun {
        self.results.cases.extend(other.results.cases);
        self.load_errors.extend(other.load_errors);
        self.exit = if self.exit == 0 { other.exit } else { self.exit };
        self.seconds += other.seconds;
        self.command = format!("{}; {}", self.command, other.command);
        self.trouble = self.trouble.or(other.trouble);
        self
    }

    /// The results, where they prove something.
    pub fn proven(&self) -> Result<&Results> {
        match &self.trouble {
            Some(trouble) => Err(trouble.to_failure(&self.command).into()),
            None => Ok(&self.results),
        }
    }
}

/// Runs the suite once. Errors: the runner cannot be started, the time limit, an interrupt. All else is in
/// [`TestRun::trouble`].
pub fn run(suite: &Suite) -> Result<TestRun> {
    let mut whole: Option<TestRun> = None;
    for part in suite.runner.parts(&suite.root, &suite.targets) {
        let run = run_part(suite, &part)?;
        whole = Some(match whole {
            None => run,
            Some(before) => before.and(run),
        });
    }
    whole.ok_or_else(|| Failure::usage("no test is named that could be run").into())
}

fn run_part(suite: &Suite, part: &Part) -> Result<TestRun> {
    let folder = tempfile::tempdir().context("making a folder for the test report")?;
    let report = folder.path().join("junit.xml");
    let place = suite.root.join(&part.folder);
    let output = command(suite, part, &place, &report)?.run()?;
    let text = match std::fs::read_to_string(&report) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).context("reading the test report"),
    };
    let mut run = judge(&output, text.as_deref(), &place, suite.runner.shown(&part.files));
    if !part.folder.as_os_str().is_empty() {
        run.command = format!("{} (in {})", run.command, part.folder.display());
        for case in &mut run.results.cases {
            case.file = format!("{}/{}", part.folder.display(), case.file);
        }
    }
    Ok(run)
}

/// Runs the suite, and what failed once more; what passes then is flaky. Gives the run, in which flaky tests count as
/// passed, and the flaky ones by name. A run in trouble is not repeated.
pub fn run_settled(suite: &Suite) -> Result<(TestRun, BTreeSet<String>)> {
    let mut first = run(suite)?;
    let failed = first.results.failed();
    if first.trouble.is_some() || failed.is_empty() {
        return Ok((first, BTreeSet::new()));
    }
    let files: BTreeSet<String> = first
        .results
        .cases
        .iter()
        .filter(|case| case.fault().is_some())
        .map(|case| format!("./{}", case.file))
        .collect();
    let second = run(&Suite { targets: files.into_iter().collect(), ..suite.clone() })?;
    let flaky = settle(&mut first, &second);
    Ok((first, flaky))
}

fn settle(first: &mut TestRun, second: &TestRun) -> BTreeSet<String> {
    let again = second.results.by_key();
    let mut flaky = BTreeSet::new();
    if second.trouble.is_some() {
        return flaky;
    }
    for case in &mut first.results.cases {
        let passed = again.get(&case.key()).is_some_and(|case| case.outcome == junit::Outcome::Passed);
        if case.fault().is_some() && passed {
            case.outcome = junit::Outcome::Passed;
            flaky.insert(case.key());
        }
    }
    if first.results.failed().is_empty() {
        first.exit = 0;
    }
    flaky
}

/// Tests that fail now and did not fail on the base, by key.
#[must_use]
pub fn new_failures(base: &Results, now: &Results) -> Vec<String> {
    now.failed().difference(&base.failed()).cloned().collect()
}

/// Tests that passed on the base and did not run now: gone, renamed or skipped.
#[must_use]
pub fn no_longer_run(base: &Results, now: &Results) -> Vec<String> {
    let now = now.by_key();
    let ran = |key: &String| now.get(key).is_some_and(|case| case.outcome != junit::Outcome::Skipped);
    let passed = base.cases.iter().filter(|case| case.outcome == junit::Outcome::Passed);
    passed.map(junit::Case::key).filter(|key| !ran(key)).collect()
}

fn command(suite: &Suite, part: &Part, place: &Path, report: &Path) -> Result<Run> {
    let command = suite.runner.call(&part.files, report);
    let mut run = command.run(&suite.bun, &suite.root, place, &suite.env)?.timeout(suite.timeout);
    // Colours would hide the marks that are read below.
    run.env.insert("NO_COLOR".to_owned(), "1".to_owned());
    run.env.insert("FORCE_COLOR".to_owned(), "0".to_owned());
    run.mask = suite.mask.clone();
    run.log.clone_from(&suite.log);
    Ok(run)
}

fn judge(output: &Output, report: Option<&str>, root: &Path, command: String) -> TestRun {
    let load_errors = load_errors(&output.stderr, root);
    let mut run = TestRun {
        results: Results::default(),
        exit: output.code(),
        seconds: output.duration.as_secs_f64(),
        load_errors,
        command,
        trouble: None,
    };
    let unread = match report.map(junit::parse) {
        Some(Ok(results)) => {
            run.load_errors.extend(results.cases.iter().filter_map(not_loaded));
            run.results = results;
            None
        }
        Some(Err(error)) => Some(format!("{error:#}")),
        None => Some("the runner ended without writing its report".to_owned()),
    };
    run.trouble = trouble(&run, unread, &output.stderr);
    run
}

fn trouble(run: &TestRun, unread: Option<String>, stderr: &str) -> Option<Trouble> {
    if let Some(line) = refused_session(stderr) {
        return Some(Trouble::Elsewhere(line.to_owned()));
    }
    let faults = || run.results.cases.iter().filter_map(|case| Some((case, case.fault()?)));
    if let Some((case, fault)) = faults().find(|(_, fault)| fault.class == Class::Connection) {
        return Some(Trouble::DatabaseDown(format!("{}: {}", case.key(), fault.message)));
    }
    if !run.load_errors.is_empty() {
        return Some(Trouble::LoadError(run.load_errors.join("\n")));
    }
    let no_tests =
        ["had no matches", "did not match any test files", "Ran 0 tests", "No tests found", "No test files found"];
    if let Some(line) = stderr.lines().find(|line| no_tests.iter().any(|mark| line.contains(mark))) {
        return Some(Trouble::NoTests(line.trim().to_owned()));
    }
    if let Some(text) = unread {
        return Some(Trouble::Inconsistent(format!("{text} (exit code {})", run.exit)));
    }
    if run.results.executed() == 0 {
        return Some(match faults().next() {
            Some((case, fault)) => Trouble::LoadError(format!("{}: a hook failed: {}", case.file, fault.message)),
            None => Trouble::NoTests(format!("{} tests, all skipped", run.results.cases.len())),
        });
    }
    let failed = run.results.failed().len();
    if (run.exit == 0) != (failed == 0) {
        return Some(Trouble::Inconsistent(format!("exit code {} with {failed} failed tests", run.exit)));
    }
    None
}

/// A file that vitest could not load stands in its report as a test of the file's own name.
fn not_loaded(case: &junit::Case) -> Option<String> {
    let fault = case.fault().filter(|_| case.name == case.file)?;
    Some(format!("{}: {}: {}", case.file, fault.kind, fault.message))
}

/// bun prints the file's name, then `# Unhandled error between tests`, then the error between two rules.
fn load_errors(stderr: &str, root: &Path) -> Vec<String> {
    let mut errors = Vec::new();
    let mut file = "";
    let mut lines = stderr.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_suffix(':').filter(|name| name.contains('.') && !name.contains(' ')) {
            file = name;
        }
        if line.trim() == "# Unhandled error between tests" {
            let block = lines.by_ref().skip(1).take_while(|line| !line.starts_with("-----"));
            let is_error =
                |line: &&str| line.split_once(": ").is_some_and(|(kind, _)| kind == "error" || kind.ends_with("Error"));
            let text = block.collect::<Vec<_>>();
            let text = text.iter().copied().find(is_error).unwrap_or("an error without a text; see the log");
            let text = text.trim_start_matches("error: ").replace(&format!("{}/", root.display()), "");
            errors.push(if file.is_empty() { text } else { format!("{file}: {text}") });
        }
    }
    let counted = stderr.lines().rev().find_map(|line| {
        line.trim().strip_suffix(" error").or(line.trim().strip_suffix(" errors"))?.parse::<usize>().ok()
    });
    if errors.is_empty() && counted.is_some_and(|count| count > 0) {
        errors.push("an error outside of any test; see the log".to_owned());
    }
    errors
}

#[cfg(test)]
mod unit {
    use std::os::unix::process::ExitStatusExt;

    use super::super::runner::TEST;
    use super::*;
    use crate::process::Command;

    fn ended(exit: i32, stderr: &str, report: Option<&str>) -> TestRun {
        let status = std::process::ExitStatus::from_raw(exit << 8);
        let output =
            Output { status, stdout: String::new(), stderr: stderr.to_owned(), duration: Duration::from_secs(1) };
        judge(&output, report, Path::new("/repo"), "bun test ./x".to_owned())
    }

    #[test]
    fn a_file_that_does_not_load_is_named_beside_one_that_passed() {
        let run = ended(1, include_str!("fixtures/bun-two.err"), Some(include_str!("fixtures/bun-two.xml")));
        assert_eq!(run.trouble, Some(Trouble::LoadError("packages/db/tests/syntax.test.ts: Syntax Error".to_owned())));
        let run = ended(1, include_str!("fixtures/bun-missing-export.err"), None);
        let text = "packages/db/tests/missing-export.test.ts: SyntaxError: Export named 'nopeTable' not found in module 'packages/db/src/schema/index.ts'.";
        assert_eq!(run.load_errors, [text]);
        let run = ended(1, include_str!("fixtures/bun-missing-import.err"), None);
        assert!(
            matches!(run.trouble, Some(Trouble::LoadError(text)) if text.contains("Cannot find module './does-not-exist'"))
        );
    }

    #[test]
    fn a_file_that_vitest_could_not_load_is_no_test() {
        let run = ended(1, "", Some(include_str!("fixtures/vitest-mixed.xml")));
        let text = "tests/b.test.ts: Error: Cannot find module './none' imported from '/r/tests/b.test.ts'";
        assert_eq!(run.trouble, Some(Trouble::LoadError(text.to_owned())));
        let none = "<testsuites name='vitest tests' tests='0'></testsuites>";
        assert!(matches!(
            ended(1, "No test files found, exiting with code 1", Some(none)).trouble,
            Some(Trouble::NoTests(_))
        ));
    }

    #[test]
    fn nothing_that_ran_is_never_a_pass() {
        let skipped = ended(0, "", Some(include_str!("fixtures/bun-skip.xml")));
        assert_eq!(skipped.trouble, Some(Trouble::NoTests("2 tests, all skipped".to_owned())));
        let empty = ended(0, "Ran 0 tests across 1 file. [4.00ms]", None);
        assert!(matches!(empty.trouble, Some(Trouble::NoTests(_))));
        let left = ended(0, "(pass) n1\n", None);
        assert!(
            matches!(left.trouble, Some(Trouble::Inconsistent(text)) if text.contains("without writing its report"))
        );
        let hook = ended(1, "", Some(include_str!("fixtures/bun-hook.xml")));
        assert!(matches!(hook.trouble, Some(Trouble::LoadError(text)) if text.contains("a hook failed: hook broke")));
    }

    #[test]
    fn a_dead_database_and_a_report_that_contradicts_the_exit_code_are_trouble() {
        let down = ended(1, "", Some(include_str!("fixtures/bun-dbdown.xml")));
        assert_eq!(
            down.trouble,
            Some(Trouble::DatabaseDown(
                "packages/db/tests/db.test.ts > reads: connect ECONNREFUSED 127.0.0.1:1".to_owned()
            ))
        );
        assert!(matches!(
            ended(1, "", Some(include_str!("fixtures/bun-pass.xml"))).trouble,
            Some(Trouble::Inconsistent(_))
        ));
        assert!(matches!(
            ended(0, "", Some(include_str!("fixtures/bun-mixed.xml"))).trouble,
            Some(Trouble::Inconsistent(_))
        ));
        assert!(ended(1, "", Some(include_str!("fixtures/bun-mixed.xml"))).proven().is_ok());
    }

    #[test]
    fn only_new_failures_count_and_a_test_that_vanished_is_seen() {
        let report = |cases: &str| {
            junit::parse(&format!("<testsuites><testsuite name='f'>{cases}</testsuite></testsuites>")).unwrap()
        };
        let base = report("<testcase name='a'><failure/></testcase><testcase name='b'/><testcase name='c'/>");
        let now = report(
            "<testcase name='a'><failure/></testcase><testcase name='b'><failure/></testcase><testcase name='d'/>",
        );
        assert_eq!(new_failures(&base, &now), ["f > b"]);
        assert_eq!(no_longer_run(&base, &now), ["f > c"]);
    }

    #[test]
    fn what_passes_on_retry_is_flaky_by_name() {
        let mut first = ended(1, "", Some(include_str!("fixtures/bun-mixed.xml")));
        let second = include_str!("fixtures/bun-mixed.xml");
        let start = second.find("<failure type=\"TimeoutError\"").unwrap();
        let healed = format!("{}{}", &second[..start], second[start..].split_once("/>").unwrap().1);
        let flaky = settle(&mut first, &ended(1, "", Some(&healed)));
        assert_eq!(flaky.into_iter().collect::<Vec<_>>(), ["packages/db/tests/mixed.test.ts > slow"]);
        assert!(!first.results.failed().contains("packages/db/tests/mixed.test.ts > slow"));
    }

    #[test]
    fn the_child_gets_the_suite_environment_and_bun_first_in_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let bun = folder.path().join("bun");
        let script = "#!/bin/sh\nfor a; do case $a in --reporter-outfile=*) out=${a#*=};; esac; done\nprintf '<testsuites><testsuite name=\"f\"><testcase name=\"%s %s\"/></testsuite></testsuites>' \"$DATABASE_URL\" \"${PATH%%:*}\" > \"$out\"\n";
        std::fs::write(&bun, script).unwrap();
        std::fs::set_permissions(&bun, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let command = Command::parse(TEST).unwrap();
        let suite = Suite {
            bun,
            runner: Runner { command, per_package: false },
            root: folder.path().to_owned(),
            targets: vec!["./f".to_owned()],
            env: BTreeMap::from([("DATABASE_URL".to_owned(), "postgres://x".to_owned())]),
            mask: Mask::default(),
            log: None,
            timeout: Duration::from_secs(10),
        };
        let run = run(&suite).unwrap();
        assert_eq!(run.trouble, None);
        assert_eq!(run.command, "bun test ./f");
        assert_eq!(run.results.cases[0].name, format!("postgres://x {}", folder.path().display()));
    }
}
