//! What makes a passed step run again, and what does not.

use crate::harness::{Done, Repo, noting, shell, step};

/// Runs a workflow whose last step can never start, so that its run stays open.
fn go(repo: &Repo) -> Done {
    repo.xtask(&["run", "w", "--jobs", "1"]).env("LEVEL", repo.read("level").trim()).run().expect(4)
}

/// Adopts the changed workflow file, as a run is asked to, and goes on.
fn adopt(repo: &Repo) -> Done {
    repo.xtask(&["run", "w"])
        .run()
        .expect(3)
        .says(&["workflow file is not the one", "answer workflow N --reason TEXT --workflow w"]);
    repo.xtask(&["db-change", "answer", "workflow", "1", "--reason", "better", "--workflow", "w"]).run().expect(0);
    go(repo)
}

/// The workflow of [`go`] with these steps.
fn open_workflow(repo: &Repo, steps: &[String]) {
    let last = "preconditions = [{ path = \"never\" }]\nrun = [\"true\"]";
    repo.workflow("w", &(steps.concat() + &step("last", &[], last)));
}

const FIRST_WORD: &str = "capture = { word = { from = \"stdout\", select = \"\\\\w+\" } }";

#[test]
fn a_changed_input_makes_exactly_the_steps_that_stand_on_it_run_again() {
    let repo = Repo::new();
    repo.write("a.txt", "one");
    repo.write("b.txt", "two");
    let read = |id: &str| shell(id, &[], &format!("cat {id}.txt"), &format!("inputs = [\"{id}.txt\"]\n{FIRST_WORD}"));
    open_workflow(
        &repo,
        &[read("a"), read("b"), noting("of-a", &["a"]), noting("of-b", &["b"]), noting("of-of-b", &["of-b"])],
    );
    go(&repo);
    assert_eq!(repo.trace(), "a b of-a of-b of-of-b");

    repo.write("a.txt", "one");
    repo.write("b.txt", "two");
    go(&repo);
    assert_eq!(repo.trace(), "", "files that were only touched made steps run");

    repo.write("b.txt", "three");
    go(&repo);
    // `of-b` proves the same as before, so that what stands on it is still good.
    assert_eq!(repo.trace(), "b of-b");
    let events = repo.read(".db-change/runs/w-1/events.jsonl");
    let stale: Vec<&str> = events.lines().filter(|line| line.contains("\"stale\"")).collect();
    assert_eq!(stale.len(), 2, "{events}");
    assert!(stale[0].contains("input b.txt changed") && stale[1].contains("evidence of b changed"), "{stale:?}");
}

#[test]
fn a_new_file_under_an_input_and_a_lost_one_count_as_changes() {
    let repo = Repo::new();
    repo.write("src/a.ts", "export const a = 1;\n");
    open_workflow(&repo, &[shell("check", &[], "true", "inputs = [\"src/**/*.ts\"]")]);
    go(&repo);
    assert_eq!(repo.trace(), "check");
    repo.write("src/deep/b.ts", "export const b = 1;\n");
    go(&repo);
    assert_eq!(repo.trace(), "check");
    repo.remove("src/deep/b.ts");
    go(&repo);
    assert_eq!(repo.trace(), "check");
    repo.write("src/a.ts", "// why it is one\nexport const a = 1;\n");
    go(&repo);
    assert_eq!(repo.trace(), "", "a comment undid a proof");
}

#[test]
fn the_named_environment_values_count_and_are_nowhere_written_down() {
    let repo = Repo::new();
    repo.write("level", "first-secret-level");
    open_workflow(&repo, &[shell("a", &[], "test -n \"$LEVEL\"", "env = [\"LEVEL\"]"), noting("b", &[])]);
    go(&repo);
    assert_eq!(repo.trace(), "a b");
    repo.write("level", "second-secret-level");
    go(&repo);
    assert_eq!(repo.trace(), "a");
    let kept = repo.read(".db-change/runs/w-1/state.toml") + &repo.read(".db-change/runs/w-1/events.jsonl");
    assert!(kept.contains("env LEVEL") && !kept.contains("secret-level"), "{kept}");
}

#[test]
fn a_step_that_the_workflow_defines_differently_runs_again() {
    let repo = Repo::new();
    let with = |line: &str, rest: &str| open_workflow(&repo, &[noting("a", &[]), shell("b", &[], line, rest)]);
    with("echo 12", "");
    go(&repo);
    assert_eq!(repo.trace(), "a b");
    let captured = "capture = { n = { from = \"stdout\", select = \"1\" } }";
    let captured_more = captured.replace("\"1\"", "\"12\"");
    for (line, rest) in [("echo 12; true", ""), ("echo 12; true", captured), ("echo 12; true", captured_more.as_str())]
    {
        with(line, rest);
        adopt(&repo);
        assert_eq!(repo.trace(), "b", "{line} {rest}");
    }
    // The title is for people: it decides nothing.
    repo.write("workflows/w.toml", &repo.read("workflows/w.toml").replace("Step b", "Another title"));
    adopt(&repo);
    assert_eq!(repo.trace(), "");
    // A comment is not even a question.
    repo.write("workflows/w.toml", &(repo.read("workflows/w.toml") + "\n# for the next reader\n"));
    go(&repo);
    assert_eq!(repo.trace(), "");
}

#[test]
fn a_run_may_finish_on_the_workflow_it_began_with() {
    let repo = Repo::new();
    let with = |line: &str| open_workflow(&repo, &[shell("a", &[], line, "")]);
    with("true");
    go(&repo);
    with("false");
    let asked = repo.xtask(&["run", "w"]).run().expect(3);
    asked.says(&["-run = [\"sh\", \"-c\", 'echo a >> trace; true']", "looked at again: `a`"]);
    repo.xtask(&["db-change", "answer", "workflow", "2", "--reason", "not now", "--workflow", "w"]).run().expect(0);
    repo.trace();
    go(&repo);
    assert_eq!(repo.trace(), "", "the changed file counted although the run finishes on the old one");
    repo.xtask(&["db-change", "answer", "workflow", "1", "--reason", "late", "--workflow", "w"])
        .run()
        .expect(4)
        .says(&["asks for no decision"]);
    // Another change is another question.
    with("exit 3");
    repo.xtask(&["run", "w"]).run().expect(3);
}

#[test]
fn another_reason_for_a_failure_that_is_expected_makes_the_step_run_again() {
    let repo = Repo::new();
    let red = |reason: &str| {
        let because = format!("expect = \"fail\"\nbecause = {{ matches = \"{reason}\" }}");
        open_workflow(&repo, &[shell("red", &[], "echo no such column; exit 1", &because)]);
    };
    red("column");
    go(&repo);
    red("table");
    repo.xtask(&["run", "w"]).run().expect(3);
    repo.xtask(&["db-change", "answer", "workflow", "1", "--reason", "better", "--workflow", "w"]).run().expect(0);
    repo.xtask(&["run", "w"]).run().expect(1).says(&["for another reason than `table`"]);
}

#[test]
fn what_a_step_writes_is_part_of_what_it_proves() {
    let repo = Repo::new();
    repo.write("source", "1");
    let build = shell("build", &[], "cp source built", "inputs = [\"source\"]\noutputs = [\"built\"]");
    open_workflow(&repo, &[build, noting("test", &["build"])]);
    go(&repo);
    repo.trace();
    repo.write("source", "2");
    go(&repo);
    assert_eq!(repo.trace(), "build test");
}

#[test]
fn an_input_that_was_edited_while_the_step_was_at_work_was_not_proven() {
    let repo = Repo::new();
    repo.write("in.txt", "tested");
    let edits_once = "grep -q tested in.txt && echo edited > in.txt; true";
    open_workflow(&repo, &[shell("test", &[], edits_once, "inputs = [\"in.txt\"]")]);
    repo.xtask(&["run", "w", "--to", "test"]).run().expect(0);
    assert_eq!(repo.trace(), "test test", "content that no test has seen counts as tested");
    go(&repo);
    assert_eq!(repo.trace(), "");
}

#[test]
fn a_step_whose_inputs_are_written_each_time_ends_in_words_and_not_in_a_loop() {
    let repo = Repo::new();
    repo.write("in.txt", "0");
    let reads = "inputs = [\"in.txt\"]";
    repo.workflow("w", &[shell("a", &[], "true", reads), shell("b", &["a"], "echo x >> in.txt", reads)].concat());
    let done = repo.xtask(&["run", "w", "--jobs", "1"]).run().expect(1);
    done.says(&["the inputs of `a` change while the run is at work", "input in.txt changed", "held up by: a"]);
    assert_eq!((repo.trace().as_str(), repo.status("w-1", "a").as_str()), ("a b a b", "stale"));
}

#[test]
fn inputs_that_cannot_be_read_are_refused_by_name_and_links_to_nothing_do_no_harm() {
    use std::os::unix::ffi::OsStrExt;
    let repo = Repo::new();
    repo.write("src/a.ts", "export const a = 1;\n");
    repo.workflow(
        "w",
        &[shell("a", &[], "true", "inputs = [\"src/**/*\"]"), shell("z", &["a"], "exit 1", "")].concat(),
    );
    let go = || repo.xtask(&["run", "w", "--jobs", "1"]).run();
    go().expect(1);
    assert!(xtask::process::Run::new("mkfifo", repo.root()).args(["src/odd"]).run().unwrap().success());
    go().expect(6).says(&["the input `src/odd` is a pipe"]);
    repo.remove("src/odd");
    let socket = std::os::unix::net::UnixListener::bind(repo.path("src/odd")).unwrap();
    go().expect(6).says(&["the input `src/odd` is a socket"]);
    drop(socket);
    repo.remove("src/odd");
    let name = repo.path("src").join(std::ffi::OsStr::from_bytes(b"b\xff.ts"));
    std::fs::write(&name, "").unwrap();
    go().expect(6).says(&["a name that cannot be listed: `src/b\u{fffd}.ts`"]);
    std::fs::remove_file(&name).unwrap();
    repo.trace();

    std::os::unix::fs::symlink("ada@host.1234", repo.path("src/.#a.ts")).unwrap();
    std::fs::write(repo.path("src/latin.ts"), b"export const name = \"\xe9\";\n").unwrap();
    go().expect(1);
    assert_eq!(repo.trace(), "a z");
    go().expect(1);
    assert_eq!(repo.trace(), "z");
    std::fs::write(repo.path("src/latin.ts"), b"export const name = \"\xe8\";\n").unwrap();
    go().expect(1);
    assert_eq!(repo.trace(), "a z");
}

#[test]
fn a_pattern_without_a_file_is_told_by_those_who_ask() {
    let repo = Repo::new();
    repo.write("src/a.txt", "1");
    open_workflow(&repo, &[shell("a", &[], "true", "inputs = [\"src/*.txt\", \"scr/*.txt\"]")]);
    go(&repo);
    for verb in [&["plan"] as &[&str], &["why", "a"]] {
        let said = repo.xtask(&[&["db-change"], verb, &["--workflow", "w"]].concat()).run().expect(0).stdout;
        assert!(said.contains("`scr/*.txt` matches no file") && !said.contains("`src/*.txt` matches"), "{said}");
    }
}

#[test]
fn a_file_that_is_only_touched_while_its_step_is_at_work_may_have_been_another() {
    let repo = Repo::new();
    repo.write("in.txt", "0");
    let touches = |rest: &str| shell("a", &[], "touch in.txt", &format!("inputs = [\"in.txt\"]\n{rest}"));
    repo.workflow("w", &touches(""));
    repo.xtask(&["run", "w"]).run().expect(1).says(&["its inputs changed while it was at work: `in.txt`"]);
    repo.workflow("v", &touches("outputs = [\"in.txt\"]"));
    repo.xtask(&["run", "v"]).run().expect(0);
}

#[test]
fn a_step_may_write_its_own_inputs_where_it_says_so() {
    let repo = Repo::new();
    repo.write("in.txt", "0");
    let format = shell("format", &[], "echo formatted > in.txt", "inputs = [\"in.txt\"]\noutputs = [\"in.txt\"]");
    open_workflow(&repo, &[format]);
    go(&repo);
    assert_eq!(repo.trace(), "format");
    go(&repo);
    assert_eq!(repo.trace(), "");
}

#[test]
fn another_version_of_a_tool_makes_exactly_the_steps_run_again_that_ask_for_it() {
    let repo = Repo::new();
    let tool = |version: &str| {
        repo.write("bin/stamp", &format!("#!/bin/sh\necho stamp {version}\n"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(repo.path("bin/stamp"), mode).unwrap();
    };
    let asks = shell("asks", &[], "true", "preconditions = [{ tool = \"stamp\", version = \">=1\" }]");
    open_workflow(&repo, &[asks, noting("beside", &[]), noting("behind", &["asks"])]);
    let path = xtask::process::tools::path_with(&[&repo.path("bin")]);
    let go = || repo.xtask(&["run", "w", "--jobs", "1"]).env("PATH", &path).run();
    tool("1.0");
    go().expect(4);
    assert_eq!(repo.trace(), "asks beside behind");
    tool("1.1");
    go().expect(4);
    assert_eq!(repo.trace(), "asks");
    let why = repo.xtask(&["db-change", "why", "asks", "--workflow", "w"]).env("PATH", &path);
    tool("1.2");
    let shown = why.run().expect(0).stdout;
    assert!(shown.contains("stale    tool stamp changed (stamp 1.1 → stamp 1.2)"), "{shown}");
    tool("0.9");
    go().expect(6).says(&["needs `stamp` >=1, found: stamp 0.9", "held up by: asks"]);
}

#[test]
fn an_edit_that_leaves_size_and_time_as_they_were_is_seen_and_a_look_writes_nothing() {
    let repo = Repo::new();
    repo.write("a.txt", "one");
    open_workflow(&repo, &[shell("a", &[], "cat a.txt", &format!("inputs = [\"a.txt\"]\n{FIRST_WORD}"))]);
    go(&repo);
    // By now the file is older than a session, so that this one remembers it.
    go(&repo);
    assert!(repo.read(".db-change/files").contains(" content "), "nothing is remembered");
    repo.trace();
    let time = std::fs::metadata(repo.path("a.txt")).unwrap().modified().unwrap();
    let file = std::fs::File::options().write(true).open(repo.path("a.txt")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"two", 0).unwrap();
    file.set_modified(time).unwrap();
    let remembered = repo.read(".db-change/files");
    let planned = repo.xtask(&["db-change", "plan", "--workflow", "w"]).run().expect(0);
    assert!(planned.stdout.contains("stale: input a.txt changed"), "{}", planned.stdout);
    assert_eq!(repo.read(".db-change/files"), remembered);
    go(&repo);
    assert_eq!(repo.trace(), "a");
}

#[test]
fn what_a_step_writes_is_seen_by_one_that_stands_on_the_files_of_an_earlier_one() {
    let repo = Repo::new();
    repo.write("seed", "1");
    repo.write("src/made.txt", "1");
    let reads = "inputs = [\"src/*.txt\"]";
    let makes = shell("b", &["a"], "cp seed src/made.txt", "inputs = [\"seed\"]");
    open_workflow(&repo, &[shell("a", &[], "true", reads), makes, shell("c", &["b"], "true", reads)]);
    go(&repo);
    assert_eq!(repo.trace(), "a b c");
    repo.write("seed", "2");
    go(&repo);
    // `a` was looked at before, and once more before `c` began.
    assert_eq!(repo.trace(), "b a c");
    go(&repo);
    assert_eq!(repo.trace(), "");
}
