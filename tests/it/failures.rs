//! A migration that fails on the data: what a person is told, and the values that only a terminal shows.

use std::time::Duration;

use xtask::process::pty::{Read1, Session};

use crate::sample::Sample;

/// Goes up to a step with a person's words for what stands before it; the question at which it ends.
fn question(sample: &Sample, step: &str) -> (serde_json::Value, String) {
    for _ in 0..8 {
        let ran = sample.db_change(&["--to", step]);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        let next = ran.json()["next"].clone();
        let at = next["step"].as_str().unwrap().to_owned();
        if at == step {
            return (next, ran.stderr);
        }
        let kind = next["kind"].as_str().unwrap();
        let found = next["findings"].as_array().filter(|found| !found.is_empty());
        let names = found.into_iter().flatten().map(|name| name.as_str().unwrap().to_owned());
        let text = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let word: Vec<String> = match kind {
            "attestation" => text(&["attest", &at, "--by", "Ada", "--note", "done"]),
            "decision" if found.is_some() => {
                text(&["accept"]).into_iter().chain(names).chain(text(&["--reason", "to see"])).collect()
            }
            // What was inferred is confirmed; a breaking change goes on as a coordinated one.
            "decision" => text(&["answer", &at, if at == "declare" { "1" } else { "2" }, "--reason", "to see"]),
            _ => continue,
        };
        assert_eq!(sample.db_change(&word.iter().map(String::as_str).collect::<Vec<_>>()).code, 0);
    }
    panic!("`{step}` never asks");
}

/// What `logs rehearse --show-values` prints at a terminal.
fn at_a_terminal(sample: &Sample) -> String {
    let run = sample.command(&["db-change", "logs", "rehearse", "--show-values"]);
    let mut session = Session::start(&run).unwrap();
    let mut seen = Vec::new();
    while let Read1::Bytes(bytes) = session.read(Duration::from_secs(60)).unwrap() {
        seen.extend(bytes);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[test]
fn a_refused_migration_is_told_with_its_statement_and_the_rows_at_fault_and_values_only_at_a_terminal() {
    let sample = Sample::new();
    let before = sample.content();
    let name = "name: text('name').notNull(),";
    sample.edit("packages/db/src/schema/users.ts", name, &format!("{name}\n  nickname: text('nickname').notNull(),"));
    let (next, told) = question(&sample, "rehearse");
    assert_eq!(
        next["question"],
        "The migration fails with: column \"nickname\" of relation \"users\" contains null values (23502). \
         This indicates 10,000 of 10,000 rows of `users` without a value in `nickname`. Options:"
    );
    for text in [
        "fails with SQLSTATE 23502: column \"nickname\" of relation \"users\" contains null values",
        "packages/db/drizzle/0007_add_users_nickname.sql:1",
        "1 | ALTER TABLE \"users\" ADD COLUMN \"nickname\" text NOT NULL;",
        "10,000 of 10,000 rows of `users` without a value in `nickname`",
        "hint: see the values here: cargo xtask db-change logs rehearse --show-values",
    ] {
        assert!(told.contains(text), "{text}");
    }
    sample.run(&["db-change", "logs", "rehearse", "--show-values"]).fails(4, &["values are shown at a terminal only"]);

    let shown = at_a_terminal(&sample);
    assert!(shown.contains("without a value in `nickname`; id of the rows on `dev` now:"), "{shown}");
    let values: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("  ")).map(str::trim).collect();
    assert_eq!((values.len(), values[20]), (21, "… and more: the first 20 are shown"));
    for (path, text) in sample.written() {
        // A short number is no telltale: the list is.
        assert!(!text.contains(&values[..3].join("\n  ")), "values in {}", path.display());
    }
    assert_eq!(before.difference(&sample.content()), [] as [String; 0]);
}
