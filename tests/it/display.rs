//! What a person sees of a run: rows at a terminal, plain lines elsewhere, and at its end what to type next.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use xtask::process::Run;
use xtask::process::pty::{Read1, Session};

use crate::harness::{Repo, noting, shell, until};

/// Prints `line one of ID`, which its command does not say in these words.
fn holds(id: &str) -> String {
    shell(id, &[], &format!("printf \"line %s of {id}\\n\" one; until test -e {id}.go; do sleep 0.01; done"), "")
}

/// Two steps of different phases that begin at once.
fn two_phases(repo: &Repo, one: &str, two: &str) {
    repo.workflow("w", &format!("{one}[[phase]]\nid = \"later\"\ntitle = \"Later\"\n\n{two}"));
}

#[test]
fn at_a_terminal_every_step_at_work_has_a_row_with_its_last_line_and_none_is_left() {
    let repo = Repo::new();
    two_phases(&repo, &holds("a"), &holds("b"));
    let mut run = Run::new(env!("CARGO_BIN_EXE_xtask"), repo.root()).args(["run", "w", "--jobs", "2"]);
    // The pseudo-terminal is one whatever the tests run under.
    run = run.env("CI", "").env("NO_COLOR", "");
    let mut session = Session::start(&run).unwrap();
    let mut seen = String::new();
    let limit = Instant::now() + Duration::from_secs(60);
    let mut wait = |word: &str| loop {
        assert!(Instant::now() < limit, "`{word}` never came: {seen}");
        match session.read(Duration::from_secs(60)).unwrap() {
            Read1::Bytes(bytes) => seen.push_str(&String::from_utf8_lossy(&bytes)),
            Read1::Quiet => panic!("`{word}` never came: {seen}"),
            Read1::Ended => return std::mem::take(&mut seen),
        }
        if seen.contains(word) {
            return std::mem::take(&mut seen);
        }
    };
    wait("line one of a");
    let both = wait("line one of b");
    assert!(both.contains(" later ") && both.contains(" all "), "{both}");
    repo.write("b.go", "");
    wait("✓\u{1b}[0m b");
    // The picture of b's end may still be on its way; the one after it is of `a` alone.
    wait("line one of a");
    let alone = wait("line one of a");
    assert!(!alone.contains("line one of b"), "a row is left: {alone:?}");
    repo.write("a.go", "");
    wait("✓\u{1b}[0m a");
    let rest = wait("never said");
    assert!(!rest.contains("line one of"), "a row is left: {rest:?}");
}

#[test]
fn elsewhere_a_line_names_its_phase_whatever_ends_first_and_a_slow_step_says_so() {
    let repo = Repo::new();
    two_phases(&repo, &holds("a"), &holds("b"));
    let run = repo.xtask(&["run", "w", "--jobs", "2"]).start();
    until("both", || repo.status_if_any("w-1", "a") == "running" && repo.status("w-1", "b") == "running");
    std::thread::sleep(Duration::from_millis(2500));
    repo.write("b.go", "");
    until("b", || repo.status("w-1", "b") == "passed");
    repo.write("a.go", "");
    let said = run.wait().expect(0).stderr;
    let told = said.lines().filter(|line| line.contains(['▸', '✓']));
    let lines: Vec<String> = told.map(|line| line.split_whitespace().take(3).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines, ["all ▸ a", "later ▸ b", "✓ b `sh", "all ✓ a"], "{said}");
    assert!(!said.contains('\u{1b}') && said.lines().all(|line| line.chars().count() <= 80), "{said}");
}

#[test]
fn an_interrupt_says_what_is_left_and_the_next_run_what_was_cut_off() {
    let repo = Repo::new();
    let waits = shell("b", &["a"], "echo said; until test -e go; do sleep 0.01; done", "");
    repo.workflow("w", &[noting("a", &[]), waits, noting("c", &["b"])].concat());
    let run = repo.xtask(&["run", "w"]).start();
    until("the step", || repo.read(".db-change/runs/w-1/logs/02-b.out").contains("said"));
    run.signal(Signal::INT);
    let done = run.wait().expect(1).says(&["stopped as you asked", "left: 2 of 3 steps: b, c"]);
    assert!(done.stderr.ends_with("next  cargo xtask run w\n"), "{}", done.stderr);
    assert!(!done.stderr.contains("error:"), "nothing went wrong: {}", done.stderr);
    repo.write("go", "");
    let again = repo.xtask(&["run", "w"]).run().expect(0);
    again.says(&["on the branch main; goes on at b", "interrupted, so not passed and run again: b"]);
}

#[test]
fn what_changed_since_yesterday_is_named_and_every_end_says_what_to_type() {
    let repo = Repo::new();
    repo.write("in.txt", "one");
    repo.workflow("w", &[shell("a", &[], "true", "inputs = [\"in.txt\"]"), shell("b", &["a"], "exit 1", "")].concat());
    let done = repo.xtask(&["run", "w"]).run().expect(1);
    assert!(done.stderr.ends_with("\nnext  mend it, then go on: cargo xtask run w\n"), "{}", done.stderr);
    assert!(!done.stderr.contains("begun"), "a new run has no past: {}", done.stderr);
    repo.write("in.txt", "two");
    let state = "runs/w-1/state.toml";
    let (begun, two_days) = (repo.state("w-1")["started"].as_str().unwrap().to_owned(), Duration::from_secs(180_000));
    let earlier = humantime::format_rfc3339_seconds(std::time::SystemTime::now() - two_days).to_string();
    repo.write_sealed(state, &repo.read_unsealed(state).replacen(&begun, &earlier, 1));
    let again = repo.xtask(&["run", "w"]).run().expect(1);
    again.says(&[
        "begun 2 days ago on the branch main; goes on at b",
        "~ a",
        "stale, so looked at again:\n                   input in.txt changed\n",
    ]);
}
