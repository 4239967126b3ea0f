//! What is left when a runner dies, is told to stop, or meets another one.

use rustix::process::Signal;

use crate::harness::{Repo, end_group, noting, shell, until};

/// Holds on until the file `go` exists; its process group is in `pid`.
fn holding(id: &str, needs: &[&str]) -> String {
    shell(id, needs, "echo $$ > pid; while ! test -e go; do sleep 0.01; done", "")
}

fn pid_of_step(repo: &Repo) -> u32 {
    until("the step", || repo.read("pid").ends_with('\n'));
    let pid = repo.read("pid").trim().parse().unwrap();
    repo.remove("pid");
    pid
}

const START: [&str; 6] = ["db-change", "start", "--title", "Add phone", "--add", "users.phone=text"];

fn shown(repo: &Repo, step: &str) -> String {
    let done = repo.xtask(&["db-change", "status", "--json"]).run().expect(0);
    let object: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let steps = object["phases"][0]["steps"].as_array().unwrap().clone();
    let found = steps.iter().find(|candidate| candidate["id"] == step).unwrap();
    found["status"].as_str().unwrap().to_owned()
}

#[test]
fn running_is_on_disk_before_the_step_does_anything() {
    let repo = Repo::new();
    repo.workflow("w", &shell("a", &[], "cp .db-change/runs/w-1/state.toml seen.toml", ""));
    repo.xtask(&["run", "w"]).run().expect(0);
    let seen: toml::Table = toml::from_str(&repo.read("seen.toml")).unwrap();
    assert_eq!(seen["step"]["a"]["status"].as_str(), Some("running"));
    assert_eq!(repo.status("w-1", "a"), "passed");
}

#[test]
fn a_killed_runner_leaves_an_interrupted_step_which_alone_is_repeated() {
    let repo = Repo::new();
    repo.workflow("db-change", &[noting("a", &[]), holding("b", &["a"]), noting("c", &["b"])].concat());
    let runner = repo.xtask(&START).start();
    let step = pid_of_step(&repo);
    assert_eq!(shown(&repo, "b"), "running");
    runner.signal(Signal::KILL);
    runner.wait();
    end_group(step);
    assert_eq!(
        (shown(&repo, "a"), shown(&repo, "b"), shown(&repo, "c")),
        ("passed".into(), "interrupted".into(), "pending".into())
    );
    let page = repo.xtask(&["db-change", "status"]).run().expect(0).stdout;
    assert!(page.contains("✗ b") && page.contains("interrupted"), "{page}");
    repo.trace();
    repo.write("go", "");
    repo.xtask(&["db-change"]).run().expect(0);
    assert_eq!(repo.trace(), "b c");
}

#[test]
fn an_interrupt_between_two_tries_ends_the_waiting() {
    let repo = Repo::new();
    repo.workflow("w", &shell("flaky", &[], "exit 1", "retry = { count = 1, delay = \"1h\" }"));
    let runner = repo.xtask(&["run", "w"]).start();
    until("the first try", || repo.status_if_any("w-1", "flaky") == "running" && repo.read("trace") == "flaky\n");
    runner.signal(Signal::TERM);
    runner.wait().expect(1);
    assert_eq!((repo.trace().as_str(), repo.status("w-1", "flaky").as_str()), ("flaky", "interrupted"));
}

#[test]
fn a_second_run_in_the_same_work_tree_is_kept_out_and_told_who_is_at_work() {
    let repo = Repo::new();
    repo.workflow("w", &holding("a", &[]));
    repo.workflow("other", &noting("b", &[]));
    let first = repo.xtask(&["run", "w"]).start();
    pid_of_step(&repo);
    let holder = format!("process {}", first.pid());
    for name in ["w", "other"] {
        repo.xtask(&["run", name]).run().expect(5).says(&[&holder, "cargo xtask run w"]);
    }
    repo.write("go", "");
    first.wait().expect(0);
    assert_eq!(repo.trace(), "a");
    repo.xtask(&["run", "other"]).run().expect(0);
}

#[test]
fn each_workflow_has_its_own_run_on_a_branch() {
    let repo = Repo::new();
    repo.workflow("db-change", &shell("a", &[], "test -e go", ""));
    repo.workflow("w", &shell("b", &[], "test -e go", ""));
    repo.xtask(&START).run().expect(1);
    repo.xtask(&["run", "w"]).run().expect(1).says(&["held up by: b"]);
    // The newer run belongs to the other workflow: neither status nor going on may take it for this change.
    let page = repo.xtask(&["db-change", "status"]).run().expect(0).stdout;
    assert!(page.contains("add-phone-1"), "{page}");
    repo.trace();
    repo.write("go", "");
    repo.xtask(&["db-change"]).run().expect(0);
    assert_eq!(repo.trace(), "a");
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.trace(), "b");
}

#[test]
fn another_branch_parks_the_run_and_finds_it_again() {
    let repo = Repo::new();
    repo.workflow("w", &[noting("a", &[]), shell("b", &["a"], "test -e go", "")].concat());
    repo.commit("workflow");
    repo.xtask(&["run", "w"]).run().expect(1);
    repo.git(&["switch", "--quiet", "--create", "other"]);
    repo.xtask(&["run", "w"]).run().expect(1);
    assert_eq!(repo.trace(), "a b a b");
    repo.git(&["switch", "--quiet", "main"]);
    repo.write("go", "");
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(
        (repo.trace().as_str(), repo.status("w-1", "b").as_str(), repo.status("w-2", "b").as_str()),
        ("b", "passed", "failed")
    );
}
