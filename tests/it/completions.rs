//! `completions SHELL`: a real shell completes `cargo xtask …` with what was printed. Shells that are not here are left out.

use std::path::Path;

use xtask::process::Run;

use crate::harness::Repo;
use crate::sample::{Ran, project};

fn script(shell: &str, folder: &Path) -> String {
    let text = Repo::new().xtask(&["completions", shell]).run().expect(0).stdout;
    let path = folder.join(format!("script.{shell}"));
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn run(program: &str, args: &[&str]) -> Option<String> {
    let found = Run::new("/bin/sh", "/").args(["-c", &format!("command -v {program}")]).run().unwrap().success();
    let run = Run::new(program, project()).args(args.iter().copied());
    found.then(|| {
        let ran = Ran::of(&run);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{program} {args:?}");
        ran.stdout
    })
}

#[test]
fn bash_completes_verbs_flags_and_steps_behind_cargo_xtask_and_keeps_what_cargo_had() {
    let folder = tempfile::tempdir().unwrap();
    let script = script("bash", folder.path());
    let completed = |words: &[&str]| {
        let ask = "_before() { COMPREPLY=(build); }; complete -F _before cargo; source \"$1\"; source \"$1\"; shift; \
                   COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _cargo_xtask cargo \"${@: -1}\" \"${@: -2:1}\"; echo \"${COMPREPLY[@]}\"";
        let args = [&["--norc", "-c", ask, "bash", script.as_str()], words].concat();
        run("bash", &args).expect("bash is here").trim().to_owned()
    };
    assert_eq!(completed(&["cargo", "xtask", "db-"]), "db-change");
    assert!(completed(&["cargo", "xtask", ""]).contains("doctor demo test"));
    assert_eq!(
        completed(&["cargo", "xtask", "db-change", "why", "schema-test-"]),
        "schema-test-scaffold schema-test-red schema-test-green"
    );
    assert_eq!(completed(&["cargo", "xtask", "db-change", "--to", "reh"]), "rehearse");
    assert_eq!(completed(&["cargo", "xtask", "db-change", "logs", "rehearse", "--f"]), "--follow");
    assert_eq!(completed(&["cargo", "b"]), "build");
}

#[test]
fn fish_and_zsh_read_their_scripts_and_fish_completes() {
    let folder = tempfile::tempdir().unwrap();
    let zsh = script("zsh", folder.path());
    run("zsh", &["-n", &zsh]);
    let fish = script("fish", folder.path());
    run("fish", &["--no-execute", &fish]);
    for (line, wanted) in [("cargo xtask db-", "db-change"), ("cargo xtask db-change why reh", "rehearse")] {
        if let Some(told) = run("fish", &["--no-config", "-c", &format!("source {fish}; complete -C '{line}'")]) {
            assert_eq!(told.split_whitespace().next(), Some(wanted), "{line}");
        }
    }
}
