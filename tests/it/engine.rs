//! What a run does with its steps, as a person sees it: order, failure, resumption, red and green, captures, gates.

use crate::harness::{Repo, alive, noting, shell, step, until};

#[test]
fn steps_run_in_the_order_of_their_needs_and_otherwise_as_in_the_file() {
    let repo = Repo::new();
    let steps = [noting("c", &["b"]), noting("b", &["a"]), noting("a", &[]), noting("d", &[])];
    repo.workflow("w", &steps.concat());
    repo.xtask(&["run", "w", "--jobs", "1"]).run().expect(0);
    assert_eq!(repo.trace(), "a b c d");
}

#[test]
fn the_program_finds_the_repo_from_a_folder_inside_it() {
    let repo = Repo::new();
    repo.workflow("w", &noting("a", &[]));
    repo.write("packages/db/package.json", "{}");
    repo.xtask(&["run", "w"]).cwd(repo.path("packages/db")).run().expect(0);
    assert_eq!(repo.trace(), "a");
}

#[test]
fn to_runs_what_is_missing_up_to_that_step_and_no_more() {
    let repo = Repo::new();
    repo.workflow("w", &[noting("a", &[]), noting("b", &["a"]), noting("c", &["b"]), noting("other", &[])].concat());
    repo.xtask(&["run", "w", "--to", "b"]).run().expect(0);
    assert_eq!(repo.trace(), "a b");
    repo.xtask(&["run", "w", "--to", "c"]).run().expect(0);
    assert_eq!(repo.trace(), "c");
    repo.xtask(&["run", "w", "--to", "othr"])
        .run()
        .expect(2)
        .says(&["no step is called `othr`", "did you mean `other`?"]);
}

#[test]
fn to_exits_with_the_code_of_the_step_that_held_it_up_and_names_it() {
    let repo = Repo::new();
    let fails = shell("fails", &[], "exit 7", "");
    let no_path = shell("no-path", &[], "true", "preconditions = [{ path = \"absent\" }]");
    let no_env = shell("no-env", &[], "true", "preconditions = [{ env = \"ABSENT\" }]");
    let asks = step("asks", &[], "uses = \"docs.read\"\nwith = { documents = [\"package.json\"] }");
    for (code, held_by, definition) in
        [(1, "fails", fails), (4, "no-path", no_path), (6, "no-env", no_env), (3, "asks", asks)]
    {
        repo.workflow(held_by, &[noting("a", &[]), definition, noting("last", &["a", held_by])].concat());
        let done = repo.xtask(&["run", held_by, "--to", "last"]).run().expect(code);
        let said = if code == 3 { format!("{held_by} waits for you") } else { format!("held up by: {held_by}") };
        done.says(&[&said]);
        assert!(!repo.trace().contains("last"), "{held_by} did not hold up what needs it");
    }
}

#[test]
fn a_failed_step_ends_the_run_with_1_and_the_next_run_begins_with_it() {
    let repo = Repo::new();
    repo.workflow(
        "w",
        &[noting("a", &[]), shell("b", &["a"], "echo reason >&2; test -e mended", ""), noting("c", &["b"])].concat(),
    );
    repo.xtask(&["run", "w"]).run().expect(1).says(&["failed with exit code 1", "reason", "held up by: b"]);
    assert_eq!((repo.trace().as_str(), repo.status("w-1", "b").as_str()), ("a b", "failed"));
    repo.write("mended", "");
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.trace(), "b c");
}

#[test]
fn a_failure_names_a_log_that_can_be_opened() {
    let repo = Repo::new();
    repo.workflow("w", &shell("b", &[], "seq 100; exit 1", ""));
    let done = repo.xtask(&["run", "w"]).run().expect(1);
    let hint = done.stderr.lines().find_map(|line| line.strip_prefix("hint: its whole output: cargo xtask "));
    let command: Vec<&str> = hint.expect(&done.stderr).split(' ').collect();
    assert!(repo.xtask(&command).run().expect(0).stdout.contains("\n99\n100\n"));
}

#[test]
fn a_step_is_tried_again_as_often_as_it_says_and_not_more() {
    let repo = Repo::new();
    let third_time = |count: u32| {
        shell("flaky", &[], "test $(wc -l < trace) -ge 3", &format!("retry = {{ count = {count}, delay = \"1ms\" }}"))
    };
    repo.workflow("enough", &third_time(2));
    repo.xtask(&["run", "enough"]).run().expect(0);
    assert_eq!(repo.trace(), "flaky flaky flaky");
    repo.workflow("too-few", &third_time(1));
    repo.xtask(&["run", "too-few"]).run().expect(1);
    assert_eq!(repo.trace(), "flaky flaky");
}

#[test]
fn a_time_out_ends_the_step_and_all_that_it_started() {
    let repo = Repo::new();
    let line = "sh -c \"echo \\$\\$ > grandchild; exec sleep 100\" & echo $$ > child; wait";
    repo.workflow("w", &shell("slow", &[], line, "timeout = \"300ms\""));
    repo.xtask(&["run", "w"]).run().expect(1).says(&["was ended after 300ms: its time limit", "held up by: slow"]);
    for name in ["child", "grandchild"] {
        let pid = repo.read(name).trim().parse().unwrap();
        until("the end of a process", || !alive(pid));
    }
}

#[test]
fn a_step_that_must_fail_has_to_fail_and_for_the_reason_given() {
    let repo = Repo::new();
    let red = |name: &str, line: &str| {
        let because = "expect = \"fail\"\nbecause = { exit = [1], matches = \"column .* does not exist\" }";
        repo.workflow(name, &shell("red", &[], line, because));
        repo.xtask(&["run", name]).run()
    };
    red("passes", "true").expect(1).says(&["it proves nothing"]);
    red("other-exit", "echo column x does not exist; exit 2").expect(1).says(&["which is not the failure expected"]);
    red("other-words", "echo cannot connect >&2; exit 1")
        .expect(1)
        .says(&["for another reason than `column .* does not exist`"]);
    red("right", "echo column x does not exist >&2; exit 1").expect(0);
}

#[test]
fn the_green_of_a_red_step_passes_the_same_command_after_it() {
    let repo = Repo::new();
    repo.write("tools/test", "echo test >> trace\ntest -e implemented\n");
    let green = "[[phase.step]]\nid = \"green\"\ntitle = \"Green\"\ngreen_of = \"red\"\n\n";
    let red = step("red", &[], "run = [\"sh\", \"tools/test\"]\nexpect = \"fail\"");
    repo.workflow("w", &[green, &red].concat());
    let done = repo.xtask(&["run", "w"]).run().expect(1);
    done.says(&["`sh tools/test` failed with exit code 1", "held up by: green"]);
    assert_eq!((repo.trace().as_str(), repo.status("w-1", "red").as_str()), ("test test", "passed"));
    repo.write("implemented", "");
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.trace(), "test");
}

#[test]
fn a_captured_value_is_passed_on_as_one_argument_and_never_read_by_a_shell() {
    let repo = Repo::new();
    let found = shell(
        "found",
        &[],
        "echo \"name: a  b; touch spliced {\"\"{found.exit}}\"",
        "capture = { name = { from = \"stdout\", select = \"name: (.*)\" } }",
    );
    let told = step("told", &["found"], "run = [\"sh\", \"-c\", 'echo \"$#:$1\" > got', \"sh\", \"{{found.name}}\"]");
    repo.workflow("w", &[found, told].concat());
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.read("got"), "1:a  b; touch spliced {{found.exit}}\n");
    assert!(!repo.path("spliced").exists());
}

#[test]
fn a_value_that_is_not_in_the_output_fails_the_step() {
    let repo = Repo::new();
    repo.workflow(
        "w",
        &shell("found", &[], "echo nothing", "capture = { n = { from = \"stdout\", select = \"[0-9]+\" } }"),
    );
    repo.xtask(&["run", "w"]).run().expect(1).says(&["`n` has no value"]);
}

#[test]
fn a_condition_on_a_captured_value_decides_whether_a_step_runs() {
    let repo = Repo::new();
    let size =
        shell("size", &[], "echo 3 rows", "capture = { rows = { from = \"stdout\", select = \"([0-9]+) rows\" } }");
    let few = shell("few", &["size"], "true", "when = \"size.rows == '3'\"");
    let many = shell("many", &["size"], "true", "when = \"size.rows != '3'\"");
    repo.workflow("w", &[size, few, many, noting("last", &["few", "many"])].concat());
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.trace(), "size few last");
    let skipped = (repo.status("w-1", "many"), repo.field("w-1", "many", "reason"));
    assert_eq!(skipped, ("skipped".to_owned(), "`size.rows` is `3` here".to_owned()));
}

#[test]
fn a_precondition_that_does_not_hold_keeps_the_step_from_starting() {
    let repo = Repo::new();
    let try_with = |name: &str, precondition: &str| {
        repo.workflow(name, &shell(name, &[], "true", &format!("preconditions = [{{ {precondition} }}]")));
        repo.commit(name);
        repo.xtask(&["run", name]).env("GIVEN", "1").run()
    };
    try_with("tool", "tool = \"no-such-tool\"").expect(6).says(&["`no-such-tool`", "held up by: tool"]);
    try_with("version", "tool = \"git\", version = \">=99\"").expect(6).says(&["needs `git` >=99, found"]);
    try_with("env", "env = \"ABSENT\"").expect(6).says(&["`ABSENT` has no value"]);
    try_with("path", "path = \"absent/file\"").expect(4).says(&["`absent/file` does not exist"]);
    try_with("changed", "changed = \"src/**/*.ts\"")
        .expect(4)
        .says(&["nothing under `src/**/*.ts` differs from the base"]);
    assert_eq!(repo.trace(), "", "a step started although its precondition did not hold");

    try_with("tool-there", "tool = \"git\", version = \">=1.5\"").expect(0);
    try_with("env-there", "env = \"GIVEN\"").expect(0);
    repo.write("absent/file", "");
    repo.write("src/new.ts", "");
    repo.xtask(&["run", "path"]).run().expect(0);
    repo.xtask(&["run", "changed"]).run().expect(0);
    assert_eq!(repo.trace(), "tool-there env-there path changed");
}

#[test]
fn a_question_without_a_terminal_is_one_json_object_on_stdout_and_exit_3() {
    let repo = Repo::new();
    repo.write("rules.md", "no select *\n");
    repo.workflow("db-change", &step("read", &[], "uses = \"docs.read\"\nwith = { documents = [\"rules.md\"] }"));
    let start = ["db-change", "start", "--title", "Rename email", "--rename", "users.email=users.address"];
    let done = repo.xtask(&start).run().expect(3);
    let object: serde_json::Value = serde_json::from_str(&done.stdout).expect(&done.stdout);
    assert_eq!((&object["schema"], &object["run"]), (&"1.0".into(), &"rename-email-1".into()));
    let next = &object["next"];
    assert_eq!((&next["step"], &next["kind"], &next["by"]), (&"read".into(), &"attestation".into(), &"anyone".into()));
    assert_eq!(next["command"], "cargo xtask db-change attest read --by NAME --note TEXT");

    // The printed command, typed; a word about another text does not count.
    let attest = ["db-change", "attest", "read", "--by", "Ada", "--note", "read it"];
    repo.xtask(&attest).run().expect(0);
    repo.write("rules.md", "no select *, ever\n");
    repo.xtask(&["db-change"]).run().expect(3);
    repo.xtask(&attest).run().expect(0);
    repo.xtask(&["db-change"]).run().expect(0);
}

#[test]
fn a_run_does_not_go_on_over_to_another_branch() {
    let repo = Repo::new();
    repo.workflow("w", &[shell("a", &[], "git switch --quiet --create other", ""), noting("b", &["a"])].concat());
    repo.commit("workflow");
    let done = repo.xtask(&["run", "w"]).run().expect(4);
    done.says(&[
        "belongs to the branch `main`, and `other` is checked out",
        "go back: git switch main",
        "held up by: b",
    ]);
    assert_eq!(repo.trace(), "a");
    repo.git(&["switch", "--quiet", "main"]);
    repo.xtask(&["run", "w"]).run().expect(0);
    assert_eq!(repo.trace(), "b");
}
