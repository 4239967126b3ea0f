//! Passwords in whatever form reach no file, no terminal and no argument, and children see nothing that no step named.

use std::fs;
use std::path::Path;
use std::time::Duration;

use xtask::process::Run;
use xtask::process::pty::{Read1, Session};

use crate::harness::{Done, Repo, shell, step};

const PASSWORD: &str = "s3cr&t/w#rd%+x";
const URL: &str = "postgres://app:s3cr%26t%2Fw%23rd%25%2Bx@127.0.0.1:1/shop";
const TOKEN: &str = "tok-5e1f/0d9c+77";
/// As base64 has the middle of either, at each of the three places; without the outermost characters of each.
const MIDDLES: &[&str] = &[
    "zNjciZ0L3cjc",
    "zY3ImdC93I3J",
    "M2NyJnQvdyNy",
    "G9rLTVlMWYvM",
    "vay01ZTFmLzB",
    "b2stNWUxZi8w",
    "zNjciUyNnQlM",
    "zY3IlMjZ0JTJ",
    "M2NyJTI2dCUy",
];

/// Prints both in the forms that programs print, then fails with them in its last words.
const TELLS: &str = "tell() { echo \"$1\"; printf %s \"$1\" | base64; printf \"u:%s\" \"$1\" | base64 -w0; echo; \
    printf \"ab%s\" \"$1\" | base64 -w 20; printf %s \"$1\" | od -An -tx1 -v | tr -d \" \\n\"; echo; \
    printf \"%.7s\" \"$1\"; sleep 0.1; printf \"%s\\n\" \"${1#???????}\"; printf \"\\033[1m%.5s\\033[0m%s\\n\" \"$1\" \"${1#?????}\"; }; \
    tell \"$API_TOKEN\"; tell \"$DATABASE_URL\" >&2; echo \"$DATABASE_URL\" | sed \"s/%../\\L&/g\"; echo word=\"$API_TOKEN\"";

fn knows_no_secret(place: &str, text: &str) {
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let known = [
        PASSWORD.to_owned(),
        TOKEN.to_owned(),
        "s3cr%26t".to_owned(),
        "w%23rd%25".to_owned(),
        "w%23rd%2".to_owned(),
        hex(PASSWORD),
        hex(TOKEN),
        hex("s3cr%26t%2Fw"),
        "tok-5e1".to_owned(),
        "f/0d9c+77".to_owned(),
    ];
    for secret in known.iter().map(String::as_str).chain(MIDDLES.iter().copied()) {
        assert!(!text.contains(secret), "`{secret}` in {place}:\n{text}");
    }
}

fn written(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            written(&entry.path(), found);
        } else {
            let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
            found.push((entry.path().display().to_string(), text));
        }
    }
}

#[test]
fn secrets_in_any_form_reach_neither_files_nor_the_terminal() {
    let repo = Repo::new();
    let env = "env = [\"API_TOKEN\", \"DATABASE_URL\"]\n";
    let captured = "capture = { word = { from = \"stdout\", select = \"word=(.+)\" } }";
    repo.workflow(
        "w",
        &(shell("tells", &[], TELLS, &format!("{env}{captured}"))
            + &step("says", &["tells"], &format!("run = [\"echo\", \"{{{{tells.word}}}}\", \"and\", \"on\"]\n{env}"))
            + &shell("fails", &["says"], &format!("{TELLS}; exit 3"), env)),
    );
    repo.write(
        "workflows/w.toml",
        &(repo.read("workflows/w.toml") + "\n[target.dev]\nurl_env = \"DATABASE_URL\"\nrole = \"development\"\n"),
    );
    let told = |args: &[&str], code: i32| -> Done {
        repo.xtask(args).env("API_TOKEN", TOKEN).env("DATABASE_URL", URL).run().expect(code)
    };
    let mut all = vec![told(&["run", "w"], 1)];
    for args in [
        &["status", "--json"][..],
        &["plan"],
        &["why", "fails"],
        &["why", "tells", "--json"],
        &["logs", "tells"],
        &["logs", "fails"],
    ] {
        all.push(told(&[&["db-change"], args, &["--workflow", "w"]].concat(), 0));
    }
    all.push(told(&["run", "w", "--json"], 1));
    for done in &all {
        knows_no_secret("the terminal", &format!("{}{}", done.stdout, done.stderr));
    }
    let mut files = Vec::new();
    written(&repo.path(".db-change"), &mut files);
    let log = files.iter().find(|(path, _)| path.ends_with("01-tells.out")).unwrap();
    assert!(log.1.contains("word=***"), "{}", log.1);
    files.iter().for_each(|(path, text)| knows_no_secret(path, text));
}

/// Things that a developer's shell holds and no step has named.
const AROUND: &[(&str, &str)] = &[
    ("AWS_SECRET_ACCESS_KEY", "around-1"),
    ("PRODUCTION_DATABASE_URL", "postgres://around-2@h/d"),
    ("GITHUB_TOKEN", "around-3"),
    ("PGPASSWORD", "around-4"),
    ("NODE_OPTIONS", "--around-5"),
    ("LD_PRELOAD_OF_MINE", "around-6"),
];

#[test]
fn a_command_sees_no_more_of_the_environment_than_the_list_and_what_its_step_names() {
    let repo = Repo::new();
    repo.workflow("w", &step("sees", &[], "run = [\"env\"]\nenv = [\"LEVEL\"]"));
    let xtask = AROUND.iter().fold(repo.xtask(&["run", "w"]), |xtask, (name, value)| xtask.env(name, value));
    xtask.env("LEVEL", "seven").run().expect(0);
    let seen = repo.read(".db-change/runs/w-1/logs/01-sees.out");
    assert!(seen.contains("LEVEL=seven") && !seen.contains("around-"), "{seen}");
    let names: Vec<&str> = seen.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    let known = ["DB_CHANGE_REPO", "DB_CHANGE_RUN", "DB_CHANGE_STEP", "HOME", "LEVEL", "PATH", "PGAPPNAME", "TMPDIR"];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
}

#[test]
fn a_child_on_a_terminal_sees_no_more_than_the_list() {
    let this = std::env::current_exe().unwrap();
    #[expect(clippy::disallowed_methods, reason = "the environment around a child is this process's own")]
    let mut around = std::process::Command::new(this);
    around.args(["--exact", "secrets::shows_what_a_terminal_sees", "--ignored", "--nocapture"]);
    let output = around.envs(AROUND.iter().copied()).output().unwrap();
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(seen.contains("NAMED=yes") && seen.contains("PATH="), "{seen}");
    assert!(!seen.contains("around-"), "{seen}");
}

#[test]
#[ignore = "the test before this one runs it with secrets around it"]
fn shows_what_a_terminal_sees() {
    let mut session = Session::start(&Run::new("env", "/").env("NAMED", "yes")).unwrap();
    while let Read1::Bytes(bytes) = session.read(Duration::from_secs(5)).unwrap() {
        print!("{}", String::from_utf8_lossy(&bytes));
    }
}
