//! Kill -9 in the middle of the real thing: base tree, pseudo-terminal, dump, rehearsal, migration, report. However often, the run
//! that goes on ends like any other.

use std::cell::RefCell;
use std::fs;
use std::time::Duration;

use crate::killed::{Killed, Point, When};
use crate::sample::Sample;

#[test]
fn a_run_killed_in_the_middle_of_every_kind_of_step_ends_like_any_other() {
    let mut run = Killed::phone();
    let places = run.sample.everything().join("state/db-change");
    let tree_is_begun =
        || fs::read_dir(&places).is_ok_and(|mut places| places.next().unwrap().unwrap().path().join("base").exists());
    assert!(run.kill(("inventory", When::Begins), &tree_is_begun));
    let points: [Point; 12] = [
        ("inventory", When::Runs("install", "--frozen-lockfile")),
        ("schema-test-red", When::Runs("pg_dump", "--snapshot")),
        ("schema-test-red", When::Runs("bun", "test")),
        ("generate", When::Runs("drizzle-kit", "generate")),
        ("backup", When::Runs("pg_dump", "--snapshot")),
        ("backup", When::Runs("pg_restore", "")),
        ("backup", When::Passed),
        ("rehearse", When::Runs("drizzle-kit", "migrate")),
        ("schema-test-green", When::Begins),
        ("rollback-prove", When::Runs("psql", "")),
        ("apply", When::Begins),
        ("apply", When::Runs("drizzle-kit", "migrate")),
    ];
    for point in points {
        assert!(run.kill(point, &|| true), "{point:?} never came\n{}", run.said());
        if point.0 == "generate" {
            leave_half_a_migration(&run.sample);
        }
    }
    // The session of a migration outlives its runner while it waits for a lock, here that of a reader of the table. Who goes on
    // then is told whose it is, and the migration is not applied beside it.
    let mut reader = run.sample.client();
    let mut reading = reader.transaction().unwrap();
    reading.batch_execute("lock table users in access share mode").unwrap();
    let client = RefCell::new(run.sample.client());
    let blocked = || -> bool {
        let sql = "select exists (select 1 from pg_locks where not granted and relation = 'users'::regclass)";
        client.borrow_mut().query_one(sql, &[]).unwrap().get(0)
    };
    if run.kill(("apply", When::After(Duration::ZERO)), &blocked) {
        assert!(blocked());
        run.sample
            .db_change(&[])
            .fails(5, &["session ", "db-change add-users-phone-1 in ", "waits for a lock of session"]);
    }
    reading.rollback().unwrap();
    assert!(run.kill(("report", When::Begins), &|| true));
    let hits = run.ends_like_any_other();
    eprintln!("killed at {hits} points");
    assert!(hits >= 12);
}

/// As drizzle-kit leaves the folder that is ended between its writes: snapshot and journal are there, the SQL is not.
fn leave_half_a_migration(sample: &Sample) {
    let (sql, journal) = ("packages/db/drizzle/0007_add_users_phone.sql", "packages/db/drizzle/meta/_journal.json");
    if sample.path(sql).exists() {
        return fs::remove_file(sample.path(sql)).unwrap();
    }
    let snapshot = sample.read("packages/db/drizzle/meta/0006_snapshot.json");
    let mut snapshot: serde_json::Value = serde_json::from_str(&snapshot).unwrap();
    snapshot["prevId"] = snapshot["id"].clone();
    snapshot["id"] = "00000000-0000-4000-8000-000000000007".into();
    sample.write("packages/db/drizzle/meta/0007_snapshot.json", &snapshot.to_string());
    let mut entries: serde_json::Value = serde_json::from_str(&sample.read(journal)).unwrap();
    let entry = serde_json::json!({"idx": 7, "version": "7", "when": 1_800_000_000_000_i64, "tag": "0007_add_users_phone", "breakpoints": true});
    entries["entries"].as_array_mut().unwrap().push(entry);
    sample.write(journal, &entries.to_string());
}

/// The steps of the additive change, in order; of the breaking one, those in the second list too.
const STEPS: [&str; 22] = [
    "read-docs",
    "inventory",
    "declare",
    "impact",
    "schema-test-scaffold",
    "schema-test-red",
    "implement",
    "generate",
    "review",
    "backup",
    "rehearse",
    "verify-schema",
    "schema-test-green",
    "rollback-write",
    "rollback-prove",
    "usages",
    "typecheck",
    "api-tests",
    "measure",
    "annotate",
    "apply",
    "report",
];
const BREAKING: [(&str, &str); 6] = [
    ("schema-test-green", "expand-contract"),
    ("schema-test-green", "data-preserved"),
    ("schema-test-green", "old-code"),
    ("measure", "db-tests"),
    ("measure", "api-suite"),
    ("measure", "seed"),
];

/// At every transition of every step and twice at a time of its own in between, the same times in each run of the test.
fn everywhere(breaking: bool) -> Vec<Point> {
    let mut seed = 0x5eed_0007_u64;
    let mut moment = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        When::After(Duration::from_millis((seed >> 33) % 700))
    };
    let mut points = Vec::new();
    for step in STEPS {
        let besides = BREAKING.iter().filter(|(after, _)| breaking && *after == step).map(|(_, step)| *step);
        for step in std::iter::once(step).chain(besides) {
            points.extend([When::Begins, moment(), moment(), When::Passed].map(|when| (step, when)));
        }
    }
    points
}

#[test]
#[ignore = "takes minutes: cargo xtask test --full"]
fn killed_at_a_hundred_points_both_changes_end_like_any_other() {
    let hits: Vec<usize> = std::thread::scope(|scope| {
        let runs = [Killed::phone(), Killed::rename()].map(|mut run| {
            scope.spawn(move || {
                for point in everywhere(run.asks) {
                    run.kill(point, &|| true);
                }
                run.ends_like_any_other()
            })
        });
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    eprintln!("killed at {hits:?} points");
    assert!(hits.iter().sum::<usize>() >= 100, "{hits:?}");
}
