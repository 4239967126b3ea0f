//! Every exit code of the README's table is one that the program can be brought to, and means what stands there.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use rustix::process::Signal;

use crate::harness::{Repo, end_group, noting, shell, step, until};

/// Brings the program to end with a code.
type Provoke = fn() -> i32;

const CODES: &[(&str, Provoke)] = &[
    ("0", done),
    ("1", a_step_fails),
    ("2", bad_workflow),
    ("3", waiting),
    ("4", refused),
    ("5", busy),
    ("6", tool_missing),
    ("70", machine_in_a_state_that_nobody_foresaw),
    ("75", server_takes_no_sessions_now),
    ("130", told_to_stop_twice),
];

#[test]
fn each_exit_code_of_the_readme_is_reached_and_there_is_no_other() {
    let readme = std::fs::read_to_string(crate::sample::project().join("README.md")).unwrap();
    let section = readme.split_once("\n## Exit codes\n").unwrap().1.split("\n## ").next().unwrap();
    let documented: Vec<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next())
        .skip(1)
        .filter(|word| *word != "---")
        .collect();
    assert_eq!(documented, CODES.iter().map(|(code, _)| *code).collect::<Vec<_>>());
    for (code, provoke) in CODES {
        assert_eq!(provoke().to_string(), *code);
    }
}

fn of(steps: &str) -> (Repo, i32) {
    let repo = Repo::new();
    repo.workflow("w", steps);
    let code = repo.xtask(&["run", "w"]).run().code;
    (repo, code)
}

fn done() -> i32 {
    of(&noting("a", &[])).1
}

fn a_step_fails() -> i32 {
    of(&shell("a", &[], "exit 3", "")).1
}

fn bad_workflow() -> i32 {
    of(&noting("a", &["no-such-step"])).1
}

fn waiting() -> i32 {
    of(&step("a", &[], "uses = \"docs.read\"\nwith = { documents = [\"package.json\"] }")).1
}

fn refused() -> i32 {
    of(&shell("a", &[], "true", "preconditions = [{ path = \"no-such-file\" }]")).1
}

fn busy() -> i32 {
    let repo = Repo::new();
    repo.workflow("w", &shell("a", &[], "until test -e go; do sleep 0.01; done", ""));
    let first = repo.xtask(&["run", "w"]).start();
    until("the step", || repo.status_if_any("w-1", "a") == "running");
    let code = repo.xtask(&["run", "w"]).run().code;
    repo.write("go", "");
    first.wait().expect(0);
    code
}

fn tool_missing() -> i32 {
    of(&shell("a", &[], "true", "preconditions = [{ tool = \"no-such-tool\" }]")).1
}

fn machine_in_a_state_that_nobody_foresaw() -> i32 {
    let (repo, _) = of(&noting("a", &[]));
    repo.write_sealed("runs/w-1/evidence/a.toml", "no evidence of ours");
    let tried = repo.xtask(&["run", "w", "--only", "a"]).run();
    tried.says(&["a bug of ours, or a machine in a state that we did not foresee"]).code
}

fn told_to_stop_twice() -> i32 {
    let repo = Repo::new();
    repo.workflow(
        "w",
        &shell("a", &[], "trap \"\" INT TERM; echo $$ > pid; until test -e go; do sleep 0.01; done", ""),
    );
    let run = repo.xtask(&["run", "w"]).start();
    until("the step", || repo.read("pid").ends_with('\n'));
    run.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(200));
    run.signal(Signal::INT);
    let code = run.wait().code;
    end_group(repo.read("pid").trim().parse().unwrap());
    code
}

/// A server that says what PostgreSQL says while it starts.
fn server_takes_no_sessions_now() -> i32 {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut session in server.incoming().flatten() {
            let fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0";
            let length = u32::try_from(fields.len() + 4).unwrap().to_be_bytes();
            let _ = session.read(&mut [0; 1024]);
            let _ = session.write_all(&[b"E", length.as_slice(), fields].concat());
        }
    });
    let repo = Repo::new();
    let step = shell("a", &[], "true", "preconditions = [{ sql = \"select true\", on = \"dev\" }]");
    repo.workflow("w", &step);
    let target = "[target.dev]\nurl_env = \"DATABASE_URL\"\nrole = \"development\"\n\n[[phase]]";
    let file = repo.read("workflows/w.toml").replacen("[[phase]]", target, 1);
    repo.write("workflows/w.toml", &file);
    let url = format!("postgres://u:word@127.0.0.1:{port}/d?sslmode=disable");
    repo.xtask(&["run", "w"])
        .env("DATABASE_URL", &url)
        .run()
        .says(&["takes no more sessions now", "next  try again"])
        .code
}
