//! The workflow of one's own that the README shows, run as it stands there.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use xtask::process::{Run, tools};

use crate::harness::{Done, Repo};

/// Does what the example asks of bun, and leaves a trace.
const BUN: &str = r#"#!/bin/sh
case "$1" in
  --version) echo 1.4.5 ;;
  run) echo lint >> trace ;;
  test)
    echo test >> trace
    echo '<testsuites><testsuite name="a.test.ts"><testcase name="one"/><testcase name="two"/></testsuite></testsuites>' > "${3#--reporter-outfile=}" ;;
esac
"#;

fn readme() -> String {
    fs::read_to_string(crate::sample::project().join("README.md")).unwrap()
}

/// The block that begins like this.
fn block(begin: &str) -> String {
    let text = readme();
    let from = text.find(begin).unwrap_or_else(|| panic!("the README has no block that begins with {begin}"));
    text[from..].split("```").next().unwrap().to_owned()
}

#[test]
fn the_workflow_of_the_readme_does_what_is_said_of_it() {
    let repo = Repo::new();
    repo.write(
        "workflows/release-check.toml",
        &block("#:schema ./schema.json\nschema = \"1.0\"\nname = \"release-check\""),
    );
    repo.write("CHANGELOG.md", "# next\n");
    repo.write("src/a.ts", "export const a = 1;\n");
    repo.write("bin/bun", BUN);
    fs::set_permissions(repo.path("bin/bun"), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(
        Run::new("ssh-keygen", repo.root())
            .args(["-q", "-t", "ed25519", "-N", "", "-f", "../key"])
            .run()
            .unwrap()
            .success()
    );
    let public = fs::read_to_string(repo.path("../key.pub")).unwrap();
    repo.write("workflows/allowed_signers", &format!("ada@example.test {public}"));
    repo.commit("all");
    let path = tools::path_with(&[&repo.path("bin")]);
    let run = |args: &[&str]| -> Done { repo.xtask(args).env("PATH", &path).run() };

    run(&["workflow", "check", "release-check"]).expect(0);
    run(&["run", "release-check", "--jobs", "1"]).expect(3).says(&["changelog waits for you"]);
    assert_eq!(repo.trace(), "lint test");
    let attest = ["db-change", "attest", "changelog", "--by", "Ada", "--note", "read", "--workflow", "release-check"];
    run(&attest).expect(4);
    run(&[&attest as &[&str], &["--sign", "../key"]].concat()).expect(0);
    run(&["run", "release-check"]).expect(0);
    assert_eq!(repo.trace(), "", "what had passed was run again");
    let tag = Run::new("git", repo.root()).args(["tag", "-n", "--list", "next"]).run().unwrap().stdout;
    assert!(tag.contains("2 tests passed"), "{tag}");
}

#[test]
fn the_answers_file_of_the_readme_can_be_read() {
    let repo = Repo::new();
    repo.write(
        "workflows/db-change.toml",
        &fs::read_to_string(crate::sample::project().join("workflows/db-change.toml")).unwrap(),
    );
    repo.write("answers.toml", &block("[[answer]]\nstep = \"impact\""));
    repo.write("workflows/w.toml", "schema = \"1.0\"\nname = \"w\"\n[[phase]]\nid = \"p\"\ntitle = \"P\"\n[[phase.step]]\nid = \"impact\"\ntitle = \"I\"\nrun = [\"true\"]\n[[phase.step]]\nid = \"read-docs\"\ntitle = \"R\"\nrun = [\"true\"]\n");
    let done = repo.xtask(&["run", "w", "--answers", "answers.toml"]).run().expect(0);
    done.says(&["note: answers that nobody asked for: impact 2, read-docs, H10"]);
}
