//! `logs STEP`: what a step's commands printed, while they print it and afterwards.

use std::io::{BufRead, BufReader};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Repo, noting, shell, until};

const LOGS: [&str; 5] = ["db-change", "logs", "b", "--workflow", "w"];

/// Prints a line for each file that appears: `one`, `two`; ends with `two`.
fn repo() -> Repo {
    let repo = Repo::new();
    let says = |word: &str| format!("until test -e {word}; do sleep 0.01; done; echo said {word}; ");
    repo.workflow("w", &[noting("a", &[]), shell("b", &["a"], &(says("one") + &says("two")), "")].concat());
    repo
}

#[test]
fn following_prints_lines_as_they_come_and_ends_with_the_step() {
    let repo = repo();
    let run = repo.xtask(&["run", "w"]).start();
    until("the step", || repo.status_if_any("w-1", "b") == "running");
    let mut follower = repo.xtask(&[&LOGS[..], &["--follow"]].concat()).start();
    let (sender, lines) = mpsc::channel();
    let reader = BufReader::new(follower.stdout());
    std::thread::spawn(move || reader.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    let next = |text: &str| loop {
        let line = lines.recv_timeout(Duration::from_secs(30)).unwrap_or_else(|_| panic!("`{text}` never came"));
        if line == text {
            return;
        }
        assert_ne!(line, "said two", "before it was said");
    };
    repo.write("one", "");
    next("said one");
    assert_eq!(repo.status("w-1", "b"), "running");
    repo.write("two", "");
    next("said two");
    follower.wait().expect(0);
    run.wait().expect(0);
}

#[test]
fn following_the_step_of_a_dead_runner_ends_and_a_step_that_ran_nothing_says_so() {
    let repo = repo();
    let run = repo.xtask(&["run", "w"]).start();
    repo.write("one", "");
    until("the first line", || repo.read(".db-change/runs/w-1/logs/02-b.out").ends_with('\n'));
    run.signal(rustix::process::Signal::KILL);
    run.wait();
    let done = repo.xtask(&[&LOGS[..], &["--follow"]].concat()).run().expect(0);
    assert!(done.stdout.ends_with("said one\n"), "{}", done.stdout);
    // The step's own command outlives its runner until it sees this.
    repo.write("two", "");

    let repo = Repo::new();
    repo.workflow("w", &[shell("a", &[], "exit 1", ""), noting("b", &["a"])].concat());
    repo.xtask(&["run", "w"]).run().expect(1);
    repo.xtask(&LOGS).run().expect(2).says(&["`b` has left no log: it is pending"]);
}

#[test]
fn as_json_each_line_is_an_object_that_names_its_file() {
    let repo = repo();
    repo.write("one", "");
    repo.write("two", "");
    repo.xtask(&["run", "w"]).run().expect(0);
    let done = repo.xtask(&[&LOGS[..], &["--json"]].concat()).run().expect(0);
    let objects: Vec<Value> = done.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |object: &Value| {
        assert_eq!((&object["schema"], &object["step"]), (&"1.0".into(), &"b".into()));
        format!(
            "{}: {}",
            object["file"].as_str().unwrap().rsplit('.').next().unwrap(),
            object["line"].as_str().unwrap()
        )
    };
    assert_eq!(objects.iter().skip(1).map(told).collect::<Vec<_>>(), ["out: said one", "out: said two"]);
}
