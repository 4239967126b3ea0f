//! Steps side by side: what may overlap does, what shares a resource never does, and what one of them does holds for all.

use std::time::Duration;

use crate::fake_host::{Lab, act};
use crate::harness::{Repo, noting, shell, until};
use xtask::engine::runner::Stop;
use xtask::failure::Failure;
use xtask::state::Status;

/// Waits for the file of another step, which comes only where both are at work at once.
fn meets(id: &str, other: &str, rest: &str) -> String {
    shell(
        id,
        &[],
        &format!(
            "touch {id}.here; n=0; while ! test -e {other}.here; do sleep 0.01; n=$((n+1)); test $n -lt 1000 || exit 9; done"
        ),
        rest,
    )
}

/// Fails where another step of its kind is at work.
fn alone(id: &str, rest: &str) -> String {
    shell(id, &[], "mkdir taken || exit 9; sleep 0.05; rmdir taken", rest)
}

#[test]
fn independent_steps_are_at_work_at_once() {
    let repo = Repo::new();
    repo.workflow("w", &[meets("a", "b", ""), meets("b", "a", ""), noting("last", &["a", "b"])].concat());
    repo.xtask(&["run", "w", "--jobs", "2"]).run().expect(0);
    assert!(repo.trace().ends_with("last"));
}

#[test]
fn steps_that_share_a_resource_never_overlap_and_one_that_names_all_runs_alone() {
    let repo = Repo::new();
    let shared = [
        alone("a", "exclusive = [\"db\"]"),
        alone("b", "exclusive = [\"db\", \"tree\"]"),
        alone("c", "exclusive = [\"db\"]"),
    ];
    repo.workflow("shared", &shared.concat());
    repo.xtask(&["run", "shared", "--jobs", "4"]).run().expect(0);
    let all = [alone("a", "exclusive = [\"*\"]"), alone("b", "exclusive = [\"*\"]"), alone("c", "exclusive = [\"*\"]")];
    repo.workflow("all", &all.concat());
    repo.xtask(&["run", "all", "--jobs", "4"]).run().expect(0);
    let one = [alone("a", "exclusive = [\"*\"]"), alone("b", "exclusive = [\"tree\"]")];
    repo.workflow("one", &one.concat());
    repo.xtask(&["run", "one", "--jobs", "4"]).run().expect(0);
    // The same steps with nothing that keeps them apart do meet.
    repo.workflow(
        "free",
        &[meets("x", "y", "exclusive = [\"db\"]"), meets("y", "x", "exclusive = [\"tree\"]")].concat(),
    );
    repo.xtask(&["run", "free", "--jobs", "4"]).run().expect(0);
}

#[test]
fn no_more_steps_than_asked_for_are_at_work() {
    let repo = Repo::new();
    repo.workflow("w", &[alone("a", ""), alone("b", ""), alone("c", "")].concat());
    repo.xtask(&["run", "w", "--jobs", "1"]).run().expect(0);
    repo.xtask(&["run", "w", "--jobs", "0"]).run().expect(2);
}

#[test]
fn what_is_at_work_ends_when_a_step_fails_and_nothing_else_begins() {
    let repo = Repo::new();
    let fails = shell("fails", &[], "until test -e slow.here; do sleep 0.01; done; exit 1", "");
    let slow = shell("slow", &[], "touch slow.here; until test -e failed; do sleep 0.01; done", "");
    repo.workflow("w", &[fails, slow, noting("later", &[]), noting("last", &["slow"])].concat());
    let run = repo.xtask(&["run", "w", "--jobs", "2"]).start();
    until("the failure", || repo.status_if_any("w-1", "fails") == "failed");
    repo.write("failed", "");
    run.wait().expect(1).says(&["held up by: fails"]);
    assert_eq!(repo.status("w-1", "slow"), "passed");
    assert_eq!((repo.status("w-1", "later"), repo.status("w-1", "last")), (String::new(), String::new()));
}

#[test]
fn every_step_that_failed_is_told_and_a_failure_comes_before_what_waits() {
    let repo = Repo::new();
    let both = |id: &str, other: &str, code: u8| {
        shell(id, &[], &format!("touch {id}.here; until test -e {other}.here; do sleep 0.01; done; exit {code}"), "")
    };
    repo.workflow("w", &[both("one", "two", 3), both("two", "one", 4)].concat());
    let done = repo.xtask(&["run", "w", "--jobs", "2"]).run().expect(1);
    done.says(&["failed with exit code 3", "failed with exit code 4", "held up by: one", "held up by: two"]);
    let asks = crate::harness::step("asks", &[], "uses = \"docs.read\"\nwith = { documents = [\"package.json\"] }");
    repo.workflow("mixed", &[asks, shell("fails", &[], "exit 1", "")].concat());
    repo.xtask(&["run", "mixed", "--jobs", "2"]).run().expect(1).says(&["held up by: fails"]);
}

#[test]
fn a_killed_runner_leaves_every_step_that_was_at_work_interrupted() {
    let repo = Repo::new();
    let holds = |id: &str| shell(id, &[], &format!("echo $$ > {id}.pid; until test -e go; do sleep 0.01; done"), "");
    repo.workflow("w", &[holds("a"), holds("b"), noting("last", &["a", "b"])].concat());
    let run = repo.xtask(&["run", "w", "--jobs", "2"]).start();
    until("both steps", || ["a.pid", "b.pid"].iter().all(|name| repo.read(name).ends_with('\n')));
    run.signal(rustix::process::Signal::KILL);
    run.wait();
    for name in ["a.pid", "b.pid"] {
        crate::harness::end_group(repo.read(name).trim().parse().unwrap());
    }
    repo.write("go", "");
    repo.trace();
    repo.xtask(&["run", "w", "--jobs", "2"]).run().expect(0);
    let mut again: Vec<String> = repo.trace().split(' ').map(str::to_owned).collect();
    again.sort();
    assert_eq!(again, ["a", "b", "last"]);
}

#[test]
fn a_panic_in_one_steps_work_is_a_bug_of_ours_and_leaves_the_others_their_record() {
    let lab = Lab::new(&[act("good", &[], ""), act("bad", &[], ""), act("last", &["good", "bad"], "")].concat());
    lab.on("bad", |_| panic!("no such luck"));
    lab.on("good", |_| {
        std::thread::sleep(Duration::from_millis(20));
        Ok(xtask::engine::Outcome::Passed(xtask::state::Evidence::new("good")))
    });
    let (_, stop) = lab.go_with(2);
    match stop {
        Stop::Held { step, failure, others } => {
            assert_eq!((step.as_str(), failure.kind.exit_code(), others.len()), ("bad", 70, 0));
            assert!(failure.message.contains("no such luck"), "{failure:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((lab.status("good"), lab.status("bad")), (Status::Passed, Status::Failed));
    lab.on("bad", |_| Err(Failure::step("not yet").into()));
    lab.held();
}
