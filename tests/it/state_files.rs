//! What a run remembers, when it was damaged, edited by hand, or written by another version of the program.

use std::fs;
use std::path::Path;

use crate::harness::{Repo, noting, shell, step};

const STATE: &str = "runs/w-1/state.toml";
const FILE: &str = ".db-change/runs/w-1/state.toml";

/// `a` has passed, `b` has failed.
fn with_a_run() -> Repo {
    let repo = Repo::new();
    let a = shell("a", &[], "echo 5 rows", "capture = { rows = { from = \"stdout\", select = \"([0-9]+) rows\" } }");
    repo.workflow("w", &[a, shell("b", &["a"], "test -e go", ""), noting("c", &["b"])].concat());
    repo.xtask(&["run", "w"]).run().expect(1);
    assert_eq!(repo.trace(), "a b");
    repo
}

/// Refused with the way out, which works: the run that was set aside is left, and a new one begins.
#[track_caller]
fn refused_with_a_way_out(repo: &Repo, reason: &str) {
    for words in [&["run", "w"] as &[&str], &["db-change", "status", "--workflow", "w"], &["db-change", "runs"]] {
        let done = repo.xtask(words).run().expect(4);
        done.says(&["state.toml` cannot be trusted", reason, "set the run aside: mv ", "begin again: "]);
    }
    assert_eq!(repo.trace(), "", "a step ran on a state that cannot be trusted");
    let said = repo.xtask(&["run", "w"]).run().stderr;
    let mv = said.lines().find_map(|line| line.strip_prefix("hint: set the run aside: mv ")).unwrap();
    let (from, to) = mv.split_once(' ').unwrap();
    fs::rename(from, to).unwrap();
    repo.write("go", "");
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.trace(), "a b c");
    assert!(Path::new(to).join("state.toml").exists());
}

#[test]
fn a_state_that_was_cut_off_or_overwritten_is_refused() {
    let whole = with_a_run().read(FILE);
    for (damaged, reason) in [
        (String::new(), "it does not end with a seal"),
        ("\0\0\0".to_owned(), "it does not end with a seal"),
        (whole[..whole.len() / 2].to_owned(), "it does not end with a seal"),
        (whole.replace("serial", "serail"), "it was edited after it was written"),
    ] {
        let repo = with_a_run();
        repo.write(FILE, &damaged);
        refused_with_a_way_out(&repo, reason);
    }
    let repo = with_a_run();
    fs::write(repo.path(FILE), [0xff, 0xfe, 0x00]).unwrap();
    refused_with_a_way_out(&repo, "it does not end with a seal");
}

#[test]
fn a_state_edited_by_hand_is_refused_however_small_the_edit() {
    let edits: [fn(&str) -> String; 4] = [
        |text| text.replace("status = \"failed\"", "status = \"passed\""),
        |text| text.replace("title = \"w\"", "title = \"x\""),
        |text| text.replace("schema = \"1.0\"", "schema = \"1.1\""),
        |text| format!("# a comment\n{text}"),
    ];
    for edit in edits {
        let repo = with_a_run();
        let text = repo.read(FILE);
        assert_ne!(edit(&text), text);
        repo.write(FILE, &edit(&text));
        refused_with_a_way_out(&repo, "it was edited after it was written");
    }
    // The whole state of a run that went further, in the place of this one.
    let repo = with_a_run();
    repo.write("go", "");
    repo.workflow("v", &shell("b", &[], "true", ""));
    repo.xtask(&["run", "v"]).run().expect(0);
    repo.remove("go");
    repo.trace();
    repo.write(FILE, &repo.read(".db-change/runs/v-1/state.toml"));
    refused_with_a_way_out(&repo, "it was edited after it was written");
}

#[test]
fn a_lost_key_is_told_as_such() {
    let repo = with_a_run();
    repo.remove(".db-change/key");
    repo.xtask(&["run", "w"]).run().expect(4).says(&["`.db-change/key`, is gone", "set the run aside"]);
    let repo = with_a_run();
    fs::write(repo.path(".db-change/key"), [7; 32]).unwrap();
    refused_with_a_way_out(&repo, "or its key was replaced");
}

#[test]
fn evidence_edited_by_hand_is_refused_and_proven_anew_without_it() {
    let repo = with_a_run();
    let file = ".db-change/runs/w-1/evidence/a.toml";
    let text = repo.read(file);
    assert!(text.contains("\"capture.rows\" = \"5\""), "{text}");
    repo.write(file, &text.replace("\"5\"", "\"500\""));
    repo.write("go", "");
    let done = repo.xtask(&["run", "w"]).run().expect(4);
    done.says(&["evidence/a.toml` cannot be trusted", "it was edited after it was written", "without it: rm "]);
    assert_eq!(repo.trace(), "");
    repo.remove(file);
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.trace(), "a b c");
}

#[test]
fn evidence_of_an_earlier_time_does_not_stand_for_what_was_proven_since() {
    let repo = Repo::new();
    let first_word = "capture = { word = { from = \"stdout\", select = \"\\\\w+\" } }";
    let a = shell("a", &[], "cat in", &format!("inputs = [\"in\"]\n{first_word}"));
    repo.workflow("w", &[a, step("last", &["a"], "preconditions = [{ path = \"never\" }]\nrun = [\"true\"]")].concat());
    let file = ".db-change/runs/w-1/evidence/a.toml";
    repo.write("in", "weak");
    repo.xtask(&["run", "w"]).run().expect(4);
    let earlier = repo.read(file);
    repo.write("in", "strong");
    repo.xtask(&["run", "w"]).run().expect(4);
    repo.write(file, &earlier);
    repo.trace();
    repo.xtask(&["run", "w"]).run().expect(4).says(&["held up by: last"]);
    assert_eq!(repo.trace(), "a");
    assert!(repo.read(".db-change/runs/w-1/events.jsonl").contains("its evidence is not what it left"));
}

#[test]
fn a_newer_major_version_is_refused_and_a_newer_minor_one_only_read() {
    let repo = with_a_run();
    let ours = repo.read_unsealed(STATE);
    repo.write("go", "");
    for (schema, added, reading) in [("2.0", "", 4), ("1.1", "", 0), ("1.1", "pace = \"slow\"\n", 0)] {
        let newer = added.to_owned() + &ours.replace("schema = \"1.0\"", &format!("schema = \"{schema}\""));
        repo.write_sealed(STATE, &newer);
        let words = ["the state file has schema", schema, "update this program"];
        repo.xtask(&["run", "w"]).run().expect(4).says(&words);
        for verb in [&["db-change", "runs"] as &[&str], &["db-change", "status", "--workflow", "w"]] {
            repo.xtask(verb).run().expect(reading);
        }
        repo.xtask(&["db-change", "abort", "--reason", "x", "--workflow", "w"]).run().expect(4).says(&words);
        assert_eq!((repo.read_unsealed(STATE), repo.trace()), (newer, String::new()));
    }
    // A word of a newer version that this one does not know is not guessed at.
    let newer = ours.replace("schema = \"1.0\"", "schema = \"1.1\"").replace("\"failed\"", "\"quarantined\"");
    repo.write_sealed(STATE, &newer);
    repo.xtask(&["db-change", "runs"]).run().expect(4).says(&["update this program"]);
    repo.write_sealed(STATE, &ours);
    repo.xtask(&["run", "w"]).run().expect(0);
}

/// One folder for each version that was ever shipped; they are added to, never changed.
#[test]
fn a_state_of_every_shipped_version_is_read_for_ever() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/state");
    let versions: Vec<_> = fs::read_dir(shipped).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!versions.is_empty());
    for version in versions {
        let repo = Repo::new();
        repo.write("rules.md", "no select *\n");
        crate::sample::copy(&version, &repo.path(".db-change"));
        let status = repo.xtask(&["db-change", "status", "--json", "--workflow", "w"]).run().expect(0).stdout;
        let view: serde_json::Value = serde_json::from_str(&status).unwrap();
        assert_eq!((&view["run"], &view["lane"]), (&"w-1".into(), &"guarded".into()));
        let state = xtask::state::Home::at(&repo.root()).run("w-1").load().unwrap();
        let at = |step: &str| &state.step[step];
        let of = |step: &str| at(step).status.words();
        let statuses = ["measured", "left-out", "read", "fails", "decided", "reviewed"].map(of);
        assert_eq!(statuses, ["passed", "skipped", "passed", "failed", "waiting (decision)", "stale"]);
        assert_eq!(at("read").attestation.as_ref().unwrap().note, "read it");
        assert_eq!((at("decided").answer.as_ref().unwrap().option, at("reviewed").accepted.len()), (1, 1));
        assert!(at("decided").answer.as_ref().unwrap().witness.is_some() && !state.workflow_changes.is_empty());
        // And it goes on from there: what had passed is not repeated.
        repo.workflow("w", &read_workflow(&version));
        repo.xtask(&["run", "w"]).run().expect(1).says(&["held up by: fails"]);
        assert_eq!(repo.trace(), "fails", "{}", version.display());
    }
}

/// The steps of the workflow that the fixture's run went by.
fn read_workflow(version: &Path) -> String {
    let run = version.join("runs/w-1");
    let files = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with("workflow-");
    let text = fs::read_to_string(files.into_iter().find(|path| named(path)).unwrap()).unwrap();
    text.split_once("title = \"All\"\n\n").unwrap().1.to_owned()
}

#[test]
fn a_damaged_state_says_which_command_begins_again() {
    let repo = with_a_run();
    repo.write(FILE, &repo.read(FILE).replace("serial", "serail"));
    repo.xtask(&["run", "w"]).run().expect(4).says(&["then begin again: cargo xtask run w;"]);
    repo.write(FILE, "workflow = \"w; rm -rf .\"\n");
    repo.xtask(&["run", "w"]).run().expect(4).says(&["then begin again: with the command that began it;"]);
}

/// Puts something of another kind in the place of a file or folder of ours.
type Spoil = fn(&Path);

#[test]
fn what_lies_where_a_file_or_folder_of_ours_should_be_is_told_and_once_it_is_moved_away_the_run_goes_on() {
    let spoilt: &[(&str, Spoil)] = &[
        ("", |path| fs::write(path, "").unwrap()),
        ("", |path| std::os::unix::fs::symlink("nowhere", path).unwrap()),
        ("runs", |path| fs::write(path, "").unwrap()),
        ("lock", |path| fs::create_dir(path).unwrap()),
        ("key", |path| fs::create_dir(path).unwrap()),
        ("holder", |path| fs::create_dir(path).unwrap()),
        ("runs/w-1/state.toml", |path| fs::create_dir(path).unwrap()),
    ];
    for (name, spoil) in spoilt {
        let repo = Repo::new();
        repo.workflow("w", &noting("a", &[]));
        let place = repo.path(format!(".db-change/{name}").trim_end_matches('/'));
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        spoil(&place);
        repo.xtask(&["run", "w"]).run().expect(6).says(&[".db-change", "move that aside"]);
        fs::rename(&place, repo.path("aside")).unwrap();
        repo.xtask(&["run", "w"]).run().expect(0);
    }
    // A name that is taken, by whatever, is not taken again.
    let repo = Repo::new();
    repo.workflow("w", &noting("a", &[]));
    fs::create_dir_all(repo.path(".db-change/runs")).unwrap();
    std::os::unix::fs::symlink("nowhere", repo.path(".db-change/runs/w-1")).unwrap();
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.status("w-2", "a"), "passed");
}

#[test]
fn a_run_whose_folder_is_removed_while_it_is_at_work_is_told_so() {
    let repo = Repo::new();
    repo.workflow("w", &shell("a", &[], "rm -r .db-change/runs/w-1", ""));
    repo.xtask(&["run", "w"]).run().expect(6).says(&["`", ".db-change/runs/w-1", "it is gone"]);
}

#[test]
fn a_current_folder_that_was_removed_is_told_as_such() {
    let repo = Repo::new();
    let line = "mkdir gone && cd gone && rmdir ../gone && exec \"$0\" run w";
    let program = env!("CARGO_BIN_EXE_xtask");
    let output = xtask::process::Run::new("sh", repo.root()).args(["-c", line, program]).run().unwrap();
    assert_eq!(output.code(), 6, "{}", output.stderr);
    assert!(
        output.stderr.contains("there is no current folder") && output.stderr.contains("`cd`"),
        "{}",
        output.stderr
    );
}

#[test]
fn a_workflow_file_that_cannot_be_read_is_not_taken_for_one_that_is_missing() {
    let repo = Repo::new();
    fs::write(repo.path("workflows/latin.toml"), b"# caf\xe9\n").unwrap();
    fs::create_dir(repo.path("workflows/folder.toml")).unwrap();
    for name in ["latin", "folder"] {
        let done = repo.xtask(&["run", name]).run().expect(2).says(&["cannot read the workflow file", "UTF-8"]);
        assert!(!done.stderr.contains("cargo xtask init"), "{}", done.stderr);
    }
    repo.xtask(&["run", "missing"]).run().expect(2).says(&["cargo xtask init DIR"]);
}
