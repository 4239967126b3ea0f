//! The one integration binary: the built program and the library, driven from outside.
//!
//! Adding tests: a file here and its `mod` line below; the guard says when the line was forgotten.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may end where it stands")]
#![allow(unreachable_pub, reason = "a test binary has no outside: `pub` is for the other modules")]

mod accuracy;
mod bad_input;
mod changes;
mod completions;
mod connection;
mod corpus;
mod crashes;
mod differential;
mod display;
mod engine;
mod exit_codes;
mod failures;
mod fake_host;
mod folders;
mod freshness;
#[cfg(target_os = "linux")]
mod full_disk;
mod fuzz;
mod gates;
mod harness;
mod inventory;
mod json_lines;
mod kill_points;
mod kill_steps;
mod killed;
mod killed_server;
mod kinds;
mod layouts;
mod left_over;
mod logs;
mod only;
#[cfg(target_os = "linux")]
mod other_postgres;
mod own_workflow;
mod parallel;
mod people;
mod refusals;
mod remedies;
mod review;
mod sample;
mod secrets;
mod signals;
mod stale;
mod starts;
mod state_files;
mod tampering;
mod trial;
mod two_work_trees;
mod ways;
mod workflow_files;

use std::path::Path;

#[test]
fn every_file_of_this_folder_is_a_module_of_this_binary() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/it");
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").unwrap_or(&name);
        let named = main.lines().any(|line| line == format!("mod {module};"));
        assert!(module == "main" || named, "tests/it/{name} is never compiled: add `mod {module};` to main.rs");
    }
}
