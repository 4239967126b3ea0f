//! Workflow files as data: each of `tests/workflows/valid` loads, each of `tests/workflows/invalid` gives exactly the text
//! that stands beside it. After a wanted change of wording: `BLESS=1 cargo test --test it workflow_files`, then read the diff.

use std::fs;
use std::path::{Path, PathBuf};

use xtask::failure::{Failure, Kind};
use xtask::{actions, workflow};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/workflows").join(folder);
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    found.sort();
    found
}

#[test]
fn each_valid_file_loads() {
    let files = files("valid");
    assert!(files.len() >= 4, "{files:?}");
    for path in files {
        if let Err(error) = workflow::load(&path, &actions::catalogue()) {
            panic!("{}", Failure::from_error(&error).render());
        }
    }
}

#[test]
fn each_invalid_file_shows_line_caret_message_and_help() {
    let mut wrong = String::new();
    let files = files("invalid");
    assert!(files.len() >= 20, "{files:?}");
    for path in files {
        let error = workflow::load(&path, &actions::catalogue()).expect_err(&path.display().to_string());
        let failure = Failure::from_error(&error);
        assert_eq!(failure.kind, Kind::Usage, "{}", path.display());
        let expected = path.with_extension("txt");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&expected, failure.render()).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_default();
        if wanted != failure.render() {
            wrong += &format!("--- {}: wanted\n{wanted}--- got\n{}\n", path.display(), failure.render());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_db_change_workflow_has_exactly_the_steps_that_people_and_programs_refer_to() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/db-change.toml");
    let loaded = workflow::load(&path, &actions::catalogue()).unwrap();
    let steps: Vec<String> =
        loaded.steps().map(|(phase, step)| format!("{} {}", phase.id.get_ref(), step.id.get_ref())).collect();
    let wanted = [
        "prepare read-docs",
        "prepare inventory",
        "prepare declare",
        "prepare impact",
        "test-first schema-test-scaffold",
        "test-first schema-test-red",
        "test-first implement",
        "migrate generate",
        "migrate review",
        "migrate backup",
        "migrate rehearse",
        "migrate verify-schema",
        "migrate schema-test-green",
        "breaking expand-contract",
        "breaking data-preserved",
        "breaking old-code",
        "breaking rollback-write",
        "breaking rollback-prove",
        "impact usages",
        "impact typecheck",
        "impact api-tests",
        "performance measure",
        "validate db-tests",
        "validate api-suite",
        "validate seed",
        "validate annotate",
        "validate apply",
        "validate checklist",
        "validate report",
    ];
    assert_eq!(steps, wanted);
}

#[test]
fn the_order_of_the_db_change_workflow_cannot_be_skipped() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflows/db-change.toml");
    let loaded = workflow::load(&path, &actions::catalogue()).unwrap();
    // Nothing real is touched before everything else has passed, and every step is in the way of `report`.
    let before_apply = loaded.ancestors("apply");
    let after_apply = ["checklist", "report"];
    for (_, step) in loaded.steps() {
        let id = step.id.get_ref();
        let held = before_apply.contains(id) || after_apply.contains(&id.as_str());
        assert!(held, "`apply` could run without `{id}`");
    }
    assert_eq!(loaded.ancestors("report").len(), loaded.steps().count());
}
