//! What was proven and then changed is proven again, or refused; nothing that was not rehearsed reaches the database.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::sample::{Ran, Sample};

const MIGRATION: &str = "packages/db/drizzle/0007_add_users_phone.sql";
const ROLLBACK: &str = "packages/db/drizzle/rollback_0007_add_users_phone.sql";
const STATE: &str = ".db-change/runs/add-users-phone-1/state.toml";
const TEST: &str = "packages/db/tests/add-users-phone.test.ts";

/// Edits a file, goes up to a step, and puts the file back.
fn with_edit(sample: &Sample, name: &str, edit: impl Fn(&str) -> String, to: &str) -> Ran {
    let path = sample.path(name);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, edit(&text)).unwrap();
    let ran = sample.db_change(&["--to", to]);
    fs::write(&path, text).unwrap();
    ran
}

#[track_caller]
fn held_up(ran: &Ran, step: &str, words: &str) {
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains(&format!("held up by: {step}")), "not held up by `{step}`");
    assert!(ran.stderr.contains(words), "it does not say: {words}");
}

fn backup(folder: &Path) -> PathBuf {
    let found = glob::glob(&format!("{}/**/*.dump", folder.display())).unwrap().map(Result::unwrap);
    found.max().unwrap()
}

#[test]
fn what_was_edited_after_its_proof_is_proven_again_before_anything_is_applied() {
    let sample = Sample::new();
    let before = sample.content();
    sample.patch("phone/schema.patch");
    assert_eq!(sample.db_change(&["--to", "annotate"]).code, 0);

    let state = sample.read(STATE);
    sample.db_change(&["--only", "apply"]).fails(4, &["an experiment writes to no real database"]);
    assert_eq!(sample.db_change(&["--only", "rehearse"]).code, 0, "an experiment on copies");
    assert_eq!(before.difference(&sample.content()), [] as [String; 0], "an experiment reached the database");
    assert_eq!(sample.read(STATE), state, "an experiment counted");

    let weak = "import { expect, test } from 'bun:test';
test('add column users.phone', () => {
  expect(1).toBe(1);
});
";
    let ran = with_edit(&sample, TEST, |_| weak.to_owned(), "schema-test-green");
    held_up(&ran, "schema-test-red", "passes before the change");

    let more = |sql: &'static str| move |text: &str| format!("{text}\n--> statement-breakpoint\n{sql}\n");
    let ran = with_edit(&sample, MIGRATION, more("DELETE FROM workouts;"), "verify-schema");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("cargo xtask db-change accept H06 undeclared"), "{}", ran.stderr);
    let accepted = |text: &str| {
        assert_eq!(sample.db_change(&["accept", "H06", "undeclared", "--reason", "to see"]).code, 0);
        more("DELETE FROM workouts;")(text)
    };
    let ran = with_edit(&sample, MIGRATION, accepted, "verify-schema");
    held_up(&ran, "rehearse", "table workouts had");

    let earlier = glob::glob(&sample.path("packages/db/drizzle/0002_*.sql").display().to_string()).unwrap();
    let earlier = earlier.map(Result::unwrap).next().unwrap();
    let name = earlier.strip_prefix(sample.root()).unwrap().display().to_string();
    let ran = with_edit(&sample, &name, more("DELETE FROM workouts;"), "generate");
    held_up(&ran, "generate", "migrations of the base are not as they were: 0002_");

    let forgets =
        |text: &str| text.replace("\nCOMMIT", "\nDELETE FROM drizzle.__drizzle_migrations WHERE id = 2;\nCOMMIT");
    assert_eq!(sample.db_change(&["--to", "rollback-write"]).code, 0);
    let ran = with_edit(&sample, ROLLBACK, forgets, "rollback-prove");
    held_up(&ran, "rollback-prove", "has 6 earlier migrations, and had 7");

    for to in ["annotate", "measure", "verify-schema"] {
        assert_eq!(sample.db_change(&["--to", to]).code, 0);
    }
    fs::remove_file(backup(sample.everything())).unwrap();
    let ran = sample.db_change(&[]);
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.contains("is gone, or is not what was taken"), "the lost backup is not named");
    assert_eq!(before.difference(&sample.content()), [] as [String; 0], "applied without a backup");
    assert_eq!(sample.db_change(&["--to", "apply"]).code, 0);
    assert!(backup(sample.everything()).is_file());

    sample.client().batch_execute(&sample.read(ROLLBACK).replace("\\set ON_ERROR_STOP on", "")).unwrap();
    assert_eq!(before.difference(&sample.content()), [] as [String; 0], "not rolled back");
    assert_eq!(sample.db_change(&[]).code, 0);
    assert_eq!(sample.content().applied.len(), before.applied.len() + 1, "done, and not applied");
}

#[test]
fn a_migration_that_is_edited_while_the_run_is_at_work_is_not_applied() {
    let sample = Sample::new();
    let before = sample.content();
    sample.patch("phone/schema.patch");
    let mut command = sample.command(&["db-change"]).command();
    let mut run = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let at_work = || {
        let text = fs::read_to_string(sample.path(STATE)).unwrap_or_default();
        let state: toml::Table = text.parse().unwrap_or_default();
        state.get("step").and_then(|steps| steps.get("measure")?.get("status")?.as_str().map(str::to_owned)).is_some()
    };
    while !at_work() {
        assert_eq!(run.try_wait().unwrap(), None, "it ended before `measure` was seen");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    // The schema that comes of it is the same: only what is applied to the letter tells them apart.
    sample.write(MIGRATION, &format!("{}\n--> statement-breakpoint\nDELETE FROM sessions;\n", sample.read(MIGRATION)));
    assert!(!run.wait().unwrap().success(), "it was done with what nobody had reviewed");
    assert_eq!(before.difference(&sample.content()), [] as [String; 0], "applied");
    let ran = sample.db_change(&[]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("cargo xtask db-change accept H06 undeclared"), "{}", ran.stderr);
}

#[test]
fn the_tree_of_the_base_commit_is_put_back_or_made_again_before_anything_is_compared_with_it() {
    let sample = Sample::new();
    sample.patch("phone/schema.patch");
    let goes_on = |to: &str| {
        let ran = sample.db_change(&["--to", to]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    };
    goes_on("declare");
    let trees =
        glob::glob(&format!("{}/state/db-change/*/base/*/package.json", sample.everything().display())).unwrap();
    let tree = trees.map(|file| file.unwrap().parent().unwrap().to_owned()).next().unwrap();
    let users = tree.join("packages/db/src/schema/users.ts");
    let committed = fs::read_to_string(&users).unwrap();
    let as_committed = || {
        assert_eq!(fs::read_to_string(&users).unwrap(), committed);
        assert!(tree.join("node_modules").exists(), "its packages");
    };

    fs::write(&users, format!("{committed}// edited\n")).unwrap();
    fs::write(tree.join("packages/db/src/schema/more.ts"), "export {};\n").unwrap();
    goes_on("schema-test-scaffold");
    as_committed();
    assert!(!tree.join("packages/db/src/schema/more.ts").exists());

    // As after the repo was removed and cloned again.
    fs::remove_dir_all(sample.path(".git/worktrees")).unwrap();
    fs::write(&users, "").unwrap();
    goes_on("schema-test-red");
    as_committed();

    fs::remove_dir_all(&tree).unwrap();
    fs::write(&tree, "").unwrap();
    goes_on("generate");
    as_committed();
}
