//! A command that outlives its runner keeps every run of its work tree out for as long as it is at work, and is named; what a
//! passed step left running on purpose keeps nobody out.

use rustix::process::Signal;

use crate::harness::{Repo, alive, end_group, noting, shell, until};

/// Holds on until the file `go` exists, runner or not; its process group is in `pid`.
fn holding(id: &str, needs: &[&str]) -> String {
    shell(id, needs, &format!("echo $$ > pid; until test -e go; do sleep 0.01; done; echo {id}-ends >> trace"), "")
}

/// A runner killed in the step; the group of what goes on without it.
fn orphan(repo: &Repo, workflow: &str) -> u32 {
    let runner = repo.xtask(&["run", workflow]).start();
    until("the step", || repo.read("pid").ends_with('\n'));
    runner.signal(Signal::KILL);
    runner.wait();
    repo.read("pid").trim().parse().unwrap()
}

#[test]
fn an_orphan_at_work_keeps_its_own_and_every_other_run_out_and_is_named() {
    let repo = Repo::new();
    repo.workflow("w", &holding("a", &[]));
    repo.workflow("other", &noting("b", &[]));
    let group = orphan(&repo, "w");
    let named =
        [format!("process {group} (sh), group {group}: w-1, step `a`"), format!("hint: or end it: kill -- -{group}")];
    repo.xtask(&["run", "w"]).run().expect(5).says(&named.each_ref().map(String::as_str));
    // Given up, the run is not open any more, and its command is still at work.
    repo.xtask(&["db-change", "abort", "--reason", "enough", "--workflow", "w"]).run().expect(0);
    let other = repo.xtask(&["run", "other"]).start();
    until("the other run", || repo.path(".db-change/runs/other-1/state.toml").exists());
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!((repo.read("trace").as_str(), alive(group)), ("a\n", true));
    repo.write("go", "");
    other.wait().expect(0);
    assert_eq!(repo.trace(), "a a-ends b");
}

#[test]
fn who_waits_for_an_orphan_can_be_interrupted() {
    let repo = Repo::new();
    repo.workflow("w", &holding("a", &[]));
    let group = orphan(&repo, "w");
    let next = repo.xtask(&["run", "w"]).start();
    until("the lock", || repo.read(".db-change/holder").contains(&format!("process {}", next.pid())));
    next.signal(Signal::INT);
    next.wait().expect(1).says(&["interrupted while waiting for what is left"]);
    end_group(group);
}

#[test]
fn what_a_passed_step_left_running_keeps_nobody_out() {
    let repo = Repo::new();
    let daemon = shell("daemon", &[], "sleep 60 > /dev/null 2>&1 & echo $! > daemon.pid", "");
    repo.workflow("w", &[daemon, holding("a", &["daemon"])].concat());
    let group = orphan(&repo, "w");
    end_group(group);
    repo.write("go", "");
    repo.xtask(&["run", "w"]).run().expect(0);
    let daemon: u32 = repo.read("daemon.pid").trim().parse().unwrap();
    assert!(alive(daemon));
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(i32::try_from(daemon).unwrap()).unwrap(),
        Signal::KILL,
    )
    .unwrap();
}
