//! `--only STEP`: a step tried out of its turn, in a place of its own; nothing of it counts, and nothing real is reached.

use crate::harness::{Done, Repo, noting, shell, step};

const TARGET: &str = "[target.dev]\nurl_env = \"DATABASE_URL\"\nrole = \"development\"\n\n";

/// `a`, which fails, and `b` behind it; the run is open.
fn open_run(b: &str) -> Repo {
    let repo = Repo::new();
    repo.workflow("w", &[shell("a", &[], "exit 1", ""), b.to_owned(), noting("last", &["b"])].concat());
    let file = "workflows/w.toml";
    repo.write(file, &repo.read(file).replace("[[phase]]", &format!("{TARGET}[[phase]]")));
    repo.write("kept.txt", "committed");
    repo.commit("workflow");
    repo.xtask(&["run", "w"]).run().expect(1);
    repo.trace();
    repo
}

fn only(repo: &Repo, step: &str) -> Done {
    repo.xtask(&["run", "w", "--only", step]).env("DATABASE_URL", "postgres://u:hidden-word@127.0.0.1:5432/real").run()
}

#[test]
fn a_step_tried_alone_runs_in_a_copy_of_the_work_tree_and_the_run_is_as_it_was() {
    let repo = open_run(&shell("b", &["a"], "cat kept.txt; echo made > made.txt; cat .env", ""));
    repo.write("kept.txt", "edited, not committed");
    repo.write(".env", "DATABASE_URL=postgres://u:hidden-word@127.0.0.1:5432/real\n");
    let before = repo.read(".db-change/runs/w-1/state.toml");

    let done = only(&repo, "b").expect(1);
    done.says(&["nothing of it counts", "`a`, which comes before it, has not passed", "cat: .env: No such file"]);
    let log = std::fs::read_to_string(repo.path(".db-change/experiments/b/logs/02-b.out")).unwrap();
    assert!(log.contains("edited, not committed"), "{log}");

    assert_eq!(repo.read(".db-change/runs/w-1/state.toml"), before);
    assert_eq!((repo.read("made.txt"), repo.trace()), (String::new(), String::new()));
    assert_eq!(repo.xtask(&["db-change", "runs", "--json"]).run().expect(0).stdout.matches("\"run\"").count(), 1);
    // The step has still to pass in its turn, and what it needs before it.
    repo.xtask(&["run", "w"]).run().expect(1).says(&["held up by: a"]);
    assert_eq!(repo.trace(), "a");
}

#[test]
fn no_command_of_an_experiment_learns_where_a_database_is() {
    let repo = open_run(&shell("b", &["a"], "env; true", "env = [\"DATABASE_URL\", \"PGPASSWORD\", \"LEVEL\"]"));
    repo.xtask(&["run", "w", "--only", "b"])
        .env("DATABASE_URL", "postgres://u:hidden-word@127.0.0.1:5432/real")
        .env("PGPASSWORD", "hidden-word")
        .env("LEVEL", "seven")
        .run()
        .expect(0);
    let log = std::fs::read_to_string(repo.path(".db-change/experiments/b/logs/02-b.out")).unwrap();
    assert!(log.contains("LEVEL=seven") && log.contains("127.0.0.1:1/nowhere"), "{log}");
    assert!(!log.contains("5432") && !log.contains("hidden-word") && !log.contains("PGPASSWORD"), "{log}");

    let named = step("b", &["a"], "run = [\"psql\", \"postgres://u@127.0.0.1:5432/real\"]");
    only(&open_run(&named), "b").expect(4).says(&["names a database in its command"]);
}

#[test]
fn an_experiment_can_be_repeated_and_says_how_it_ended() {
    let repo = open_run(&shell("b", &["a"], "test ! -e made; touch made; test -e go", ""));
    only(&repo, "b").expect(1).says(&["experiment: failed; nothing of it counts"]);
    repo.write("go", "");
    let done = only(&repo, "b").expect(0);
    done.says(&["experiment: passed; nothing of it counts"]);
    only(&repo, "bb").expect(2).says(&["no step is called `bb`"]);
    let json = repo.xtask(&["run", "w", "--only", "b", "--json"]).run().expect(0).stdout;
    let last: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!((&last["experiment"], &last["status"], &last["counts"]), (&"b".into(), &"passed".into(), &false.into()));
}

#[test]
fn a_step_that_stands_on_evidence_that_is_not_there_says_what_comes_first() {
    let declare = shell("declare", &["a"], "true", "");
    let repo = open_run(&[declare, step("b", &["declare"], "uses = \"migration.review\"")].concat());
    only(&repo, "b").expect(4).says(&["`declare` has left no evidence", "`declare` first"]);
}

#[test]
fn a_copy_of_the_schema_workflow_under_another_name_says_that_db_change_starts_a_change() {
    let repo = Repo::new();
    repo.workflow("mine", &step("declare", &[], "uses = \"change.declare\""));
    repo.xtask(&["run", "mine"]).run().expect(2).says(&["`mine` declares no change", "started with `db-change`"]);
}
