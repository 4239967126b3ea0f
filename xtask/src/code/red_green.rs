//! The verdicts on a change's own test: red on the base for the right reason, green afterwards with the same tests.
//!
//! A claim that passes on the base proves nothing; one that fails because of a typing error, a hook, a time-out or a dead
//! database proves nothing either. A test named `control: …` passes on both sides and shows that the set-up works.

use std::collections::BTreeSet;

use anyhow::Result;

use super::junit::{Case, Class, Outcome, Results};
use super::tests::TestRun;
use crate::failure::Failure;

/// What a database says where the change is missing (or, for a new constraint, where the row is still accepted the test's own
/// assertion fails instead). Anything else, like a syntax error, is the test's own fault.
const HONEST: &[&str] =
    &["does not exist", "violates", "invalid input", "value too long", "cannot be cast", "is of type", "out of range"];

/// What was shown on the base, by test name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Red {
    pub claims: Vec<String>,
    pub controls: Vec<String>,
}

/// What was shown after the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Green {
    pub passed: usize,
}

/// Judges the run on the base. `test_file` is relative to the tree's root.
pub fn judge_red(run: &TestRun, test_file: &str) -> Result<Red> {
    let cases = of_file(run.proven()?, test_file)?;
    refuse_skipped(&cases)?;
    let (controls, claims): (Vec<&Case>, Vec<&Case>) =
        cases.iter().partition(|case| case.title.starts_with("control:"));
    if let Some(control) = controls.iter().find(|case| case.outcome != Outcome::Passed) {
        let failure = Failure::step(format!("`{}` must pass on the base, and fails there", control.name));
        return Err(failure
            .detail(said(control))
            .hint("a control shows that the set-up works: mend the test file")
            .into());
    }
    if claims.is_empty() {
        return Err(Failure::step(format!("`{test_file}` claims nothing: every test in it is a control")).into());
    }
    let idle: Vec<&&Case> = claims.iter().filter(|case| case.outcome == Outcome::Passed).collect();
    if !idle.is_empty() {
        let names = idle.iter().map(|case| format!("`{}`", case.name)).collect::<Vec<_>>();
        return Err(Failure::step(format!("passes before the change, so it proves nothing: {}", names.join(", ")))
            .hint("assert what only the change makes true, or name the test `control: …`")
            .into());
    }
    let wrong: Vec<&&Case> = claims.iter().filter(|case| !fails_for_the_change(case)).collect();
    if !wrong.is_empty() {
        let mut failure = Failure::step("red for another reason than the missing change");
        for case in wrong {
            failure = failure.detail(said(case));
        }
        return Err(failure
            .hint("a claim fails by an assertion, or by the database's error about what is missing")
            .into());
    }
    let names = |cases: &[&Case]| cases.iter().map(|case| case.name.clone()).collect();
    Ok(Red { claims: names(&claims), controls: names(&controls) })
}

/// Judges the run after the change: the same tests, each passed.
pub fn judge_green(run: &TestRun, red: &Red, test_file: &str) -> Result<Green> {
    let cases = of_file(run.proven()?, test_file)?;
    let before: BTreeSet<&String> = red.claims.iter().chain(&red.controls).collect();
    let now: BTreeSet<&String> = cases.iter().map(|case| &case.name).collect();
    if before != now {
        let mut failure = Failure::step("the tests are not those that were red");
        for name in before.difference(&now) {
            failure = failure.detail(format!("no longer there: {name}"));
        }
        for name in now.difference(&before) {
            failure = failure.detail(format!("not seen on the base: {name}"));
        }
        return Err(failure.hint("run `cargo xtask db-change`; it shows the edited file red again").into());
    }
    refuse_skipped(&cases)?;
    let failing: Vec<&&Case> = cases.iter().filter(|case| case.outcome != Outcome::Passed).collect();
    if !failing.is_empty() {
        let mut failure =
            Failure::step(format!("{} of {} tests still fail after the change", failing.len(), cases.len()));
        for case in failing {
            failure = failure.detail(said(case));
        }
        return Err(failure
            .hint("mend the schema or the claim, then go on: cargo xtask db-change (an edited test is shown red first)")
            .into());
    }
    Ok(Green { passed: cases.len() })
}

fn of_file<'a>(results: &'a Results, test_file: &str) -> Result<Vec<&'a Case>> {
    let test_file = test_file.trim_start_matches("./");
    let cases: Vec<&Case> = results.cases.iter().filter(|case| case.file == test_file).collect();
    if cases.is_empty() {
        return Err(Failure::step(format!("no test of `{test_file}` ran, so nothing is proven")).into());
    }
    if let Some(hook) = cases.iter().find(|case| case.is_hook() && case.fault().is_some()) {
        return Err(Failure::step(format!("a hook of `{test_file}` fails")).detail(said(hook)).into());
    }
    Ok(cases)
}

fn refuse_skipped(cases: &[&Case]) -> Result<()> {
    let skipped: Vec<String> =
        cases.iter().filter(|case| case.outcome == Outcome::Skipped).map(|case| format!("`{}`", case.name)).collect();
    if skipped.is_empty() {
        return Ok(());
    }
    Err(Failure::step(format!("skipped, so not proven: {}", skipped.join(", "))).into())
}

fn fails_for_the_change(case: &Case) -> bool {
    case.fault().is_some_and(|fault| match fault.class {
        Class::Assertion | Class::Type => true,
        Class::Database => HONEST.iter().any(|text| fault.message.contains(text)),
        Class::Builder | Class::Connection | Class::Hook | Class::Timeout | Class::Other => false,
    })
}

fn said(case: &Case) -> String {
    let line = case.line.map(|line| format!(":{line}")).unwrap_or_default();
    let reason = match case.fault() {
        Some(fault) if fault.class == Class::Builder => {
            "the matcher got a query builder, which bun takes for no promise: call `.execute()` on it".to_owned()
        }
        Some(fault) => format!("{}: {}", fault.kind, fault.message),
        None => "passed".to_owned(),
    };
    format!("{}{line} `{}`: {reason}", case.file, case.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::junit;

    const ASSERTION: &str = "<failure type='AssertionError' message='expect(received).toBe(expected)'/>";

    fn run(cases: &[(&str, &str)]) -> TestRun {
        let body: String =
            cases.iter().map(|(name, inside)| format!("<testcase name='{name}'>{inside}</testcase>")).collect();
        let text = format!("<testsuites><testsuite name='t.test.ts'>{body}</testsuite></testsuites>");
        TestRun {
            results: junit::parse(&text).unwrap(),
            exit: 1,
            seconds: 0.0,
            load_errors: Vec::new(),
            command: "bun test ./t.test.ts".to_owned(),
            trouble: None,
        }
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
        Failure::from_error(&result.unwrap_err()).render()
    }

    #[test]
    fn a_claim_that_fails_by_assertion_with_a_passing_control_is_red() {
        let red = judge_red(&run(&[("new name", ASSERTION), ("control: old rows", "")]), "./t.test.ts").unwrap();
        assert_eq!(red, Red { claims: vec!["new name".to_owned()], controls: vec!["control: old rows".to_owned()] });
    }

    #[test]
    fn a_claim_that_passes_on_the_base_proves_nothing_and_is_named() {
        let text = refusal(judge_red(&run(&[("a", ASSERTION), ("b", "")]), "t.test.ts"));
        assert!(text.contains("proves nothing: `b`"), "{text}");
    }

    #[test]
    fn red_for_another_reason_is_refused() {
        let failures = [
            "<failure type='TimeoutError' message='test timed out'/>",
            "<failure type='Error' message='boom'/>",
            // A place of the scaffold that nobody has filled.
            "<failure type='Error' message='this test is not written yet: no test can be derived'/>",
            "<failure type='ReferenceError' message='userz is not defined'/>",
            "<failure type='AssertionError' message='expect(received).rejects.toThrow()&#10;&#10;Expected promise'/>",
            "<failure type='Error' message='Failed query'>PostgresError: syntax error at or near \"frm\"</failure>",
        ];
        for failure in failures {
            let text = refusal(judge_red(&run(&[("a", failure)]), "t.test.ts"));
            assert!(text.contains("red for another reason"), "{text}");
        }
        let missing = "<failure type='Error' message='Failed query'>PostgresError: column \"email_address\" does not exist</failure>";
        assert!(judge_red(&run(&[("a", missing)]), "t.test.ts").is_ok());
    }

    #[test]
    fn skipped_tests_failing_controls_hooks_and_other_files_are_refused() {
        let skipped = run(&[("a", ASSERTION), ("b", "<skipped/>")]);
        assert!(refusal(judge_red(&skipped, "t.test.ts")).contains("skipped, so not proven: `b`"));
        let control = run(&[("a", ASSERTION), ("control: c", ASSERTION)]);
        assert!(refusal(judge_red(&control, "t.test.ts")).contains("`control: c` must pass"));
        let hook = run(&[("a", ASSERTION), ("(unnamed)", "<failure type='Error' message='x'/>")]);
        assert!(refusal(judge_red(&hook, "t.test.ts")).contains("a hook of"));
        assert!(refusal(judge_red(&run(&[("a", ASSERTION)]), "u.test.ts")).contains("no test of `u.test.ts` ran"));
        assert!(refusal(judge_red(&run(&[("control: a", "")]), "t.test.ts")).contains("claims nothing"));
    }

    #[test]
    fn green_needs_the_same_tests_all_passed() {
        let red = Red { claims: vec!["a".to_owned(), "b".to_owned()], controls: Vec::new() };
        assert_eq!(judge_green(&run(&[("a", ""), ("b", "")]), &red, "t.test.ts").unwrap(), Green { passed: 2 });
        assert!(refusal(judge_green(&run(&[("a", "")]), &red, "t.test.ts")).contains("no longer there: b"));
        assert!(
            refusal(judge_green(&run(&[("a", ""), ("b", ""), ("c", "")]), &red, "t.test.ts"))
                .contains("not seen on the base: c")
        );
        assert!(refusal(judge_green(&run(&[("a", ""), ("b", "<skipped/>")]), &red, "t.test.ts")).contains("skipped"));
        assert!(
            refusal(judge_green(&run(&[("a", ""), ("b", ASSERTION)]), &red, "t.test.ts"))
                .contains("1 of 2 tests still fail")
        );
    }
}
