//! The JUnit file of `bun test` (vitest's is read too): which tests ran, how each ended, and what a failure says about its cause.
//!
//! Invariant: the number of cases equals what the file itself counts; a file that disagrees with itself is an error. Values
//! that a test compared stay out: only the first line of a message is kept, and of a database's message what names objects.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use super::xml::{self, Element};

/// What bun calls the case that stands for a broken `beforeAll`, `afterAll` and the like.
const HOOK: &str = "(unnamed)";

/// Texts that only appear where the database could not be reached or used at all (postgres.js, pg, PostgreSQL).
const CONNECTION: &[&str] = &[
    "ECONNREFUSED",
    "ECONNRESET",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ETIMEDOUT",
    "EPIPE",
    "CONNECTION_CLOSED",
    "CONNECTION_ENDED",
    "CONNECTION_DESTROYED",
    "CONNECT_TIMEOUT",
    "Connection terminated",
    "terminating connection due to",
    "password authentication failed",
    "no pg_hba.conf entry",
    "the database system is",
    "too many clients already",
    "remaining connection slots are reserved",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Names of the enclosing `describe` blocks and the test's own, joined with ` > `; the second of the same name in a file
    /// ends in ` #2`.
    pub name: String,
    /// The test's own name.
    pub title: String,
    /// Relative to the folder in which the runner ran.
    pub file: String,
    pub line: Option<u32>,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    Failed(Fault),
    /// `skip`, `todo`, a false `if`.
    Skipped,
}

/// Why a test failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub class: Class,
    /// The error's class in JavaScript: `AssertionError`, `TypeError`, `Error`.
    pub kind: String,
    /// First line; without the values of a database's message.
    pub message: String,
}

/// The kinds of cause that a verdict tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// An `expect` did not hold.
    Assertion,
    /// A matcher for promises was given a query builder, which bun does not take for a promise.
    Builder,
    /// The database answered with an error.
    Database,
    /// The database could not be reached or used.
    Connection,
    /// `TypeError`: a name that is not there.
    Type,
    Timeout,
    /// A hook broke; tests of its file may not have run.
    Hook,
    Other,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    pub cases: Vec<Case>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl Case {
    /// The name with its file: the same in every run.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} > {}", self.file, self.name)
    }

    #[must_use]
    pub fn is_hook(&self) -> bool {
        self.title == HOOK
    }

    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match &self.outcome {
            Outcome::Failed(fault) => Some(fault),
            Outcome::Passed | Outcome::Skipped => None,
        }
    }
}

impl Results {
    /// Hooks are no tests: a broken one is a fault (see [`Results::failed`]), never a test that ran.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.cases.iter().filter(|case| !case.is_hook()).fold(Counts::default(), |mut counts, case| {
            match case.outcome {
                Outcome::Passed => counts.passed += 1,
                Outcome::Failed(_) => counts.failed += 1,
                Outcome::Skipped => counts.skipped += 1,
            }
            counts
        })
    }

    /// Tests that ran to an outcome.
    #[must_use]
    pub fn executed(&self) -> usize {
        let counts = self.counts();
        counts.passed + counts.failed
    }

    /// Keys of all that failed, hooks among them.
    #[must_use]
    pub fn failed(&self) -> BTreeSet<String> {
        self.cases.iter().filter(|case| case.fault().is_some()).map(Case::key).collect()
    }

    #[must_use]
    pub fn by_key(&self) -> BTreeMap<String, &Case> {
        self.cases.iter().map(|case| (case.key(), case)).collect()
    }
}

/// Reads a JUnit document. Errors: broken XML, no test suites, or counts that do not agree with the cases.
pub fn parse(text: &str) -> Result<Results> {
    let root = xml::parse(text).context("reading the JUnit file")?;
    let suites: Vec<&Element> = match root.name.as_str() {
        "testsuites" => root.children.iter().filter(|child| child.name == "testsuite").collect(),
        "testsuite" => vec![&root],
        other => bail!("the JUnit file holds `<{other}>` where `<testsuites>` was expected"),
    };
    let mut results = Results::default();
    for suite in suites {
        let file = suite.attribute("file").or(suite.attribute("name")).unwrap_or_default();
        collect(suite, file, &[], &mut results)?;
    }
    let declared = |name: &str| root.attribute(name).and_then(|count| count.parse::<usize>().ok());
    if declared("tests").is_some_and(|tests| tests != results.cases.len()) {
        bail!(
            "the JUnit file counts {} tests and holds {}",
            declared("tests").unwrap_or_default(),
            results.cases.len()
        );
    }
    number_repeats(&mut results);
    Ok(results)
}

fn collect(suite: &Element, file: &str, path: &[&str], results: &mut Results) -> Result<()> {
    for child in &suite.children {
        match child.name.as_str() {
            "testsuite" => {
                let mut path = path.to_vec();
                path.push(child.attribute("name").unwrap_or_default());
                collect(child, file, &path, results)?;
            }
            "testcase" => results.cases.push(case(child, file, path)?),
            _ => {}
        }
    }
    Ok(())
}

fn case(element: &Element, file: &str, path: &[&str]) -> Result<Case> {
    let name = element.attribute("name").context("a `<testcase>` without a name")?;
    let child = |wanted: &str| element.children.iter().find(|child| child.name == wanted);
    // Vitest has no nested suites: the file stands in `classname`, the whole path in `name`.
    let flat = element.attribute("classname") == Some(file);
    let title = if flat { name.rsplit(" > ").next().unwrap_or(name) } else { name };
    let outcome = match (child("failure").or(child("error")), child("skipped")) {
        (Some(failure), _) => Outcome::Failed(fault(failure, title == HOOK)),
        (None, Some(_)) => Outcome::Skipped,
        (None, None) => Outcome::Passed,
    };
    let joined = path.iter().copied().chain([name]).collect::<Vec<_>>().join(" > ");
    Ok(Case {
        name: one_line(&joined),
        title: one_line(title),
        file: element.attribute("file").unwrap_or(file).trim_start_matches("./").to_owned(),
        line: element.attribute("line").and_then(|line| line.parse().ok()),
        outcome,
    })
}

fn fault(failure: &Element, hook: bool) -> Fault {
    let kind = failure.attribute("type").unwrap_or("Error").to_owned();
    let message = failure.attribute("message").unwrap_or_default();
    let all = format!("{message}\n{}", failure.text);
    let database =
        all.lines().find_map(|line| line.split_once("PostgresError: ").or(line.split_once("DatabaseError: ")));
    let unusable = |text: &str| {
        // `role "x" does not exist` and `database "x" does not exist` come from the start of a connection.
        CONNECTION.iter().any(|mark| text.contains(mark))
            || ((text.contains("Error: database \"") || text.contains("Error: role \""))
                && text.contains("\" does not exist"))
    };
    let class = if all.lines().any(unusable) {
        Class::Connection
    } else if hook {
        Class::Hook
    } else if kind == "TimeoutError"
        || ["this test timed out", "Test timed out in"].iter().any(|text| message.starts_with(text))
    {
        Class::Timeout
    } else if kind == "AssertionError" && message.lines().any(|line| line.trim() == "Expected promise") {
        Class::Builder
    } else if kind == "AssertionError" {
        Class::Assertion
    } else if database.is_some() {
        Class::Database
    } else if kind == "TypeError" {
        Class::Type
    } else {
        Class::Other
    };
    let message = match (class, database) {
        (Class::Database, Some((_, text))) => without_value(text),
        (Class::Connection, _) => cause_of_connection(&all),
        // Chai writes what it compared into its first line.
        (Class::Assertion, _) if message.starts_with("expected ") => place_in(&failure.text),
        _ => without_value(message.lines().next().unwrap_or_default()),
    };
    Fault { class, kind, message }
}

/// PostgreSQL puts a value only behind a colon (`invalid input syntax for type integer: "…"`); names of objects stand before it.
fn without_value(text: &str) -> String {
    text.split(": \"").next().unwrap_or_default().trim().to_owned()
}

/// `an assertion does not hold: tests/a.test.ts:2:111`, by the first place in a stack of vitest's.
fn place_in(stack: &str) -> String {
    let place = stack.lines().find_map(|line| line.trim().strip_prefix("❯ "));
    let place = place.and_then(|place| place.split_whitespace().last()).map(|place| format!(": {place}"));
    format!("an assertion does not hold{}", place.unwrap_or_default())
}

fn cause_of_connection(all: &str) -> String {
    let line = all.lines().rev().find(|line| {
        CONNECTION.iter().any(|mark| line.contains(mark))
            || line.contains("Error: database \"")
            || line.contains("Error: role \"")
    });
    line.unwrap_or_default().trim().trim_start_matches("Error: ").to_owned()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn number_repeats(results: &mut Results) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for case in &mut results.cases {
        let count = seen.entry(case.key()).or_default();
        *count += 1;
        if *count > 1 {
            case.name = format!("{} #{count}", case.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(text: &str) -> Vec<(String, Class)> {
        let of = |case: &Case| case.fault().map(|fault| (case.name.clone(), fault.class));
        parse(text).unwrap().cases.iter().filter_map(of).collect()
    }

    #[test]
    fn names_carry_their_describe_blocks_and_repeats_are_numbered() {
        let results = parse(include_str!("fixtures/bun-pass.xml")).unwrap();
        let names: Vec<_> = results.cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(
            names,
            ["users & \"friends\" > one < two", "users & \"friends\" > inner > deep", "top", "one < two"]
        );
        assert_eq!(results.cases[0].file, "packages/db/tests/pass.test.ts");
        assert_eq!(results.counts(), Counts { passed: 4, failed: 0, skipped: 0 });
        let twice = parse(
            "<testsuites tests='2'><testsuite name='f'><testcase name='a'/><testcase name='a'/></testsuite></testsuites>",
        );
        assert_eq!(twice.unwrap().cases[1].name, "a #2");
    }

    #[test]
    fn each_way_to_fail_has_its_class() {
        let expected = [
            ("assert", Class::Assertion),
            ("rejects other", Class::Builder),
            ("column missing", Class::Database),
            ("type error", Class::Type),
            ("slow", Class::Timeout),
            ("g > multi line", Class::Assertion),
        ];
        let text = include_str!("fixtures/bun-mixed.xml");
        assert_eq!(classes(text), expected.map(|(name, class)| (name.to_owned(), class)));
        let results = parse(text).unwrap();
        assert_eq!(results.counts(), Counts { passed: 2, failed: 6, skipped: 2 });
        let message =
            &results.cases.iter().find(|case| case.name == "column missing").unwrap().fault().unwrap().message;
        assert_eq!(message, "column \"nope\" does not exist");
    }

    #[test]
    fn a_dead_database_is_no_assertion_even_where_an_expect_met_it() {
        for text in [
            include_str!("fixtures/bun-dbdown.xml"),
            include_str!("fixtures/bun-nodb.xml"),
            include_str!("fixtures/bun-poolend.xml"),
        ] {
            assert_eq!(classes(text).pop().unwrap().1, Class::Connection);
        }
        let inside = "<testsuites><testsuite name='f'><testcase name='a'><failure type='AssertionError' message='expect(received).toBe(expected)&#10;&#10;Received: &quot;ECONNREFUSED&quot;'/></testcase></testsuite></testsuites>";
        assert_eq!(classes(inside)[0].1, Class::Connection);
    }

    #[test]
    fn a_broken_hook_is_no_test_that_ran() {
        let results = parse(include_str!("fixtures/bun-hook.xml")).unwrap();
        assert_eq!((results.executed(), results.failed().len()), (0, 1));
        assert_eq!(classes(include_str!("fixtures/bun-afterhook.xml"))[0].1, Class::Hook);
    }

    #[test]
    fn values_of_a_database_message_are_dropped() {
        let text = "<testsuites><testsuite name='f'><testcase name='a'><failure type='Error' message='Failed query'>Error: Failed query&#10;PostgresError: invalid input value for enum user_role: \"secret\"</failure></testcase></testsuite></testsuites>";
        let results = parse(text).unwrap();
        assert_eq!(results.cases[0].fault().unwrap().message, "invalid input value for enum user_role");
    }

    #[test]
    fn a_file_that_disagrees_with_itself_is_an_error() {
        assert!(
            parse("<testsuites tests='2'><testsuite name='f'><testcase name='a'/></testsuite></testsuites>").is_err()
        );
        assert!(parse("<html></html>").is_err());
    }

    #[test]
    fn vitest_is_read_too_and_the_values_that_it_compared_are_dropped() {
        let results = parse(include_str!("fixtures/vitest-mixed.xml")).unwrap();
        let first = results.cases.iter().find_map(Case::fault).unwrap();
        assert_eq!(
            (first.class, first.message.as_str()),
            (Class::Assertion, "an assertion does not hold: tests/a.test.ts:2:111")
        );
        assert_eq!(results.counts(), Counts { passed: 1, failed: 3, skipped: 1 });
        let text = r#"<testsuites name="vitest tests" tests="1" failures="0"><testsuite name="src/a.test.ts" tests="1"><testcase classname="src/a.test.ts" name="users &gt; control: reads" time="0.1"></testcase></testsuite></testsuites>"#;
        let case = &parse(text).unwrap().cases[0];
        assert_eq!((case.file.as_str(), case.title.as_str()), ("src/a.test.ts", "control: reads"));
    }
}
