//! The trial inside `rehearse`: what a statement does is seen, and counts where the review could not say it.

use crate::sample::{Ran, Sample};

const FILE: &str = "packages/db/drizzle/0007_phone.sql";
const ROLLBACK: &str = "packages/db/drizzle/rollback_0007_phone.sql";

/// Goes on; what the review asks is accepted, and a rollback that cannot be derived is written.
fn on(sample: &Sample, to: &str) -> Ran {
    for _ in 0..6 {
        let ran = sample.db_change(&["--to", to]);
        if ran.code != 3 {
            return ran;
        }
        let next = ran.json()["next"].clone();
        let step = next["step"].as_str().unwrap();
        let found = next["findings"].as_array().cloned().unwrap_or_default();
        let names = found.iter().map(|name| name.as_str().unwrap());
        let word: Vec<&str> = match next["kind"].as_str().unwrap() {
            "attestation" => vec!["attest", step, "--by", "Ada", "--note", "read"],
            "edit" => {
                let place = "DO $place$ BEGIN RAISE EXCEPTION 'this rollback is not written yet'; END $place$;";
                sample.edit(ROLLBACK, place, "ALTER TABLE users DROP COLUMN phone;");
                sample.edit(ROLLBACK, "say here what it cannot bring back, or that nothing is lost", "nothing is lost");
                continue;
            }
            _ if step == "measure" => vec!["answer", step, "3", "--reason", "on a Sunday"],
            _ => ["accept"].into_iter().chain(names).chain(["--reason", "to see"]).collect(),
        };
        assert_eq!(sample.db_change(&word).code, 0);
    }
    panic!("`{to}` waits for ever");
}

#[test]
fn a_rewrite_that_no_finding_announces_is_told_and_leaves_the_lane_that_asks_nothing() {
    let sample = Sample::new();
    sample.edit("packages/db/src/schema/users.ts", "name: text('name')", "phone: text('phone'),\n  name: text('name')");
    assert_eq!(sample.db_change(&["start", "--title", "Phone", "--to", "review"]).code, 0);
    assert_eq!(sample.status()["lane"], "additive");
    let made = sample.read(FILE);
    let hidden = "DO $$ BEGIN EXECUTE 'ALTER TABLE sessions ALTER duration_minutes TYPE bigint'; EXECUTE 'ALTER TABLE sessions ALTER duration_minutes TYPE integer'; END $$;";
    sample.write(FILE, &format!("{made}--> statement-breakpoint\n{hidden}\n"));
    let ran = on(&sample, "rehearse");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("warning trial sessions is written anew (type)"), "{}", ran.stderr);
    let status = sample.status();
    assert_eq!(status["lane"], "guarded", "{status}");
    let why = sample.db_change(&["why", "rehearse"]).stdout;
    let (_, page) = why.split_once("  tried, ").unwrap();
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    let seen =
        ["0007_phone", "line 1 ", "AccessExclusiveLock users", "line 2 ", "rewrites sessions, ", "reads 48,000 rows"];
    for wanted in seen {
        assert!(page.contains(wanted), "`{wanted}` is not in: {page}");
    }
    let ran = on(&sample, "report");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report = sample.db_change(&["report", "--format", "md"]).stdout;
    for wanted in
        ["(the trial shows 1 more than the review said: see the findings)", "- warning trial sessions is written anew"]
    {
        assert!(report.contains(wanted), "`{wanted}` is not in: {report}");
    }
}
