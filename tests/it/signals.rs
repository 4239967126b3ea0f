//! A runner that is told to stop, or whose terminal goes away: its children end, the step is `interrupted`, the next run goes on
//! from there; who says it twice does not wait.

use std::io::Read;
use std::time::Instant;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::Signal;

use crate::harness::{Repo, alive, end_group, noting, shell, step, until};

/// Holds on until the file `go` exists, with a child that does too; its process group is in `pid`.
fn holding(id: &str, first: &str) -> String {
    let line = format!(
        "{first} test -e go || sleep 60 > /dev/null 2>&1 & echo $$ > pid; until test -e go; do sleep 0.01; done"
    );
    shell(id, &["a"], &line, "")
}

fn repo(first: &str) -> Repo {
    let repo = Repo::new();
    repo.workflow("w", &[noting("a", &[]), holding("b", first), noting("c", &["b"])].concat());
    repo
}

fn group(repo: &Repo) -> u32 {
    until("the step", || repo.read("pid").ends_with('\n'));
    let group = repo.read("pid").trim().parse().unwrap();
    repo.remove("pid");
    group
}

/// What has ended and only waits to be noticed counts as ended.
fn group_ended(group: u32) -> bool {
    let stats = std::fs::read_dir("/proc").unwrap().flatten().map(|process| process.path().join("stat"));
    stats.filter_map(|path| std::fs::read_to_string(path).ok()).all(|text| {
        let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        fields.get(2) != Some(&group.to_string().as_str()) || fields[0] == "Z"
    })
}

#[track_caller]
fn goes_on_from_the_step(repo: &Repo) {
    assert_eq!(repo.status("w-1", "b"), "interrupted");
    repo.trace();
    repo.write("go", "");
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.trace(), "b c");
}

#[test]
fn each_signal_ends_the_whole_group_and_leaves_an_interrupted_step() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let repo = repo("");
        let runner = repo.xtask(&["run", "w"]).start();
        let group = group(&repo);
        runner.signal(signal);
        runner.wait().expect(1).says(&["interrupted while", "held up by: b"]);
        assert!(group_ended(group), "{signal:?}");
        goes_on_from_the_step(&repo);
    }
}

#[test]
fn a_second_signal_does_not_wait_and_what_it_leaves_is_named() {
    let repo = repo("trap \"\" TERM;");
    let runner = repo.xtask(&["run", "w"]).start();
    let group = group(&repo);
    let begun = Instant::now();
    runner.signal(Signal::INT);
    std::thread::sleep(std::time::Duration::from_millis(200));
    runner.signal(Signal::TERM);
    runner.wait().expect(130);
    // Without it, the step has 5 s between TERM and KILL.
    assert!(begun.elapsed().as_secs() < 4 && alive(group));
    let next = repo.xtask(&["run", "w"]).start();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    end_group(group);
    repo.write("go", "");
    next.wait()
        .expect(0)
        .says(&["waiting for what is left of an interrupted run", &format!("group {group}: w-1, step `b`")]);
}

/// The program on a terminal of its own.
struct OnTerminal {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

impl OnTerminal {
    fn start(repo: &Repo, args: &[&str]) -> OnTerminal {
        let pair =
            native_pty_system().openpty(PtySize { rows: 40, cols: 100, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(args);
        command.cwd(repo.root());
        command.env("HOME", repo.root().parent().unwrap().join("home"));
        command.env("TERM", "xterm");
        let child = pair.slave.spawn_command(command).unwrap();
        OnTerminal { child, master: pair.master }
    }

    /// Until the screen shows this.
    fn shows(&self, text: &str) {
        let mut reader = self.master.try_clone_reader().unwrap();
        let (mut seen, mut buffer) = (String::new(), [0; 4096]);
        while !seen.contains(text) {
            let read = reader.read(&mut buffer).unwrap();
            seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    }

    /// The terminal goes away; the exit code.
    fn lose(mut self) -> u32 {
        drop(self.master);
        until("its end", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap().exit_code()
    }
}

#[test]
fn a_terminal_that_is_lost_interrupts_the_step() {
    let repo = repo("");
    let runner = OnTerminal::start(&repo, &["run", "w"]);
    let group = group(&repo);
    assert_eq!(runner.lose(), 1);
    assert!(group_ended(group));
    goes_on_from_the_step(&repo);
}

#[test]
fn a_terminal_that_is_lost_at_a_question_leaves_it_open() {
    let repo = Repo::new();
    let docs = step("docs", &[], "uses = \"docs.read\"\nwith = { documents = [\"package.json\"] }");
    repo.workflow("w", &[docs, noting("b", &["docs"])].concat());
    let runner = OnTerminal::start(&repo, &["run", "w"]);
    runner.shows("A few words for the record");
    assert_eq!(runner.lose(), 3);
    assert_eq!(repo.status("w-1", "docs"), "waiting_attestation");
    repo.xtask(&["db-change", "attest", "docs", "--by", "Ada", "--note", "read", "--workflow", "w"]).run().expect(0);
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.trace(), "b");
}

#[test]
fn readers_see_a_run_at_work_and_do_not_disturb_it() {
    let repo = repo("");
    let runner = repo.xtask(&["run", "w"]).start();
    group(&repo);
    let state = repo.read(".db-change/runs/w-1/state.toml");
    let readers: [(&[&str], &str); 6] = [
        (&["db-change", "status", "--workflow", "w"], "▸ b"),
        (&["db-change", "status", "--json", "--workflow", "w"], "\"running\""),
        (&["db-change", "why", "b", "--workflow", "w"], "running"),
        (&["db-change", "plan", "--workflow", "w"], "b"),
        (&["db-change", "runs"], "w-1"),
        (&["db-change", "logs", "a", "--workflow", "w"], "sh -c"),
    ];
    for (args, shows) in readers {
        let done = repo.xtask(args).run().expect(0);
        assert!(done.stdout.contains(shows), "{args:?}: {}{}", done.stdout, done.stderr);
    }
    assert_eq!(repo.read(".db-change/runs/w-1/state.toml"), state);
    repo.write("go", "");
    runner.wait().expect(0);
}
