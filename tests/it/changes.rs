//! The two changes of the sample, end to end with the real bun, drizzle-kit and PostgreSQL, driven as a program would:
//! exit codes, JSON on stdout, files, and what the development database holds afterwards.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex::Regex;
use serde_json::Value;
use xtask::pg::url;
use xtask::process::Run;
use xtask::process::mask::percent_encoded;

use crate::sample::{Ran, Sample};

/// The summary with its values filtered; a value may carry a parenthesis after it.
pub(crate) const PHONE: &str = "\
Database Change Summary:
✅ Schema: users.phone modified
✅ Migration: 0007_add_users_phone.sql generated
✅ Tests: N tests passing
✅ Breaking Changes: NO

Impact Analysis:
- Tables affected: 1
- API procedures affected: N
- UI components affected: N

Migration Performance:
- Test dataset: N rows
- Migration time: N seconds
- Estimated production time: N minutes

Rollback Plan:
✅ Rollback script created
✅ Rollback tested
✅ Recovery time: N minutes

Business Logic Confirmations Needed:
none: the analysis raised no question
";

pub(crate) const RENAME: &str = "\
Database Change Summary:
✅ Schema: users.email modified
✅ Migration: 0007_rename_email.sql generated
✅ Tests: N tests passing
✅ Breaking Changes: YES

Impact Analysis:
- Tables affected: 1
- API procedures affected: 4
- UI components affected: 2

Migration Performance:
- Test dataset: 100000 rows
- Migration time: N seconds
- Estimated production time: N minutes

Rollback Plan:
✅ Rollback script created
✅ Rollback tested
✅ Recovery time: N minutes

Business Logic Confirmations Needed:
1. Does anything outside this repo (reports, exports, other services) read users.email by its old name?
";

/// Numbers that differ from run to run become `N` where the expected line has one.
#[track_caller]
pub(crate) fn is_summary(text: &str, expected: &str) {
    let (value, note) = (Regex::new(r"\d+(\.\d+)?").unwrap(), Regex::new(r" \([^)]*\)$").unwrap());
    let got: Vec<&str> = text.lines().collect();
    assert_eq!(got.len(), expected.lines().count(), "{text}");
    for (got, expected) in got.into_iter().zip(expected.lines()) {
        let plain = note.replace(got, "");
        let shown = if expected.contains(": N ") || expected.ends_with(": N") {
            let (name, rest) = plain.split_once(": ").unwrap();
            format!("{name}: {}", value.replace(rest, "N"))
        } else if expected.ends_with('?') {
            got.to_owned()
        } else {
            plain.into_owned()
        };
        assert_eq!(shown, expected);
    }
}

/// Rows that must turn up nowhere; their mark is in every value that can hold a text.
const MARK: &str = "canary-7f3a";
const CANARIES: &str = "
    insert into users (email, name) values ('canary-7f3a@secret.example', 'canary-7f3a Name');
    insert into invites (email, token, invited_by, expires_at)
        select 'canary-7f3a-invited@secret.example', 'canary-7f3a-token', id, now() from users where email like 'canary-7f3a%';
    insert into workouts (title, description, trainer_id)
        select 'canary-7f3a title', 'canary-7f3a description', id from users where email like 'canary-7f3a%';";

/// A test of the repo's own that quotes real rows where it fails: in `params`, and in PostgreSQL's DETAIL.
const TELLTALE: &str = r"import { expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { db } from '../src/index';

test('an account is added once more', async () => {
  const [row] = await db.execute<{ mail: string; who: string }>(
    sql`select coalesce(to_jsonb(u)->>'email', to_jsonb(u)->>'email_address') as mail, name as who from users u where name like 'canary%'`,
  );
  expect(row).toBeDefined();
  await db.execute(sql`insert into users (email, name) values (${row.mail}, ${row.who})`);
});
";

/// What a test of the developer's own claims about the rename.
const OWN_TEST: &str = r"
test('rename column users.email → email_address: the view of active users shows the new name', async () => {
  const rows = await db.execute(
    sql`select column_name from information_schema.columns where table_name = 'active_users' and column_name = 'email_address'`,
  );
  expect(rows.length).toBe(1);
});
";

#[track_caller]
fn tells_no_row(sample: &Sample, all: &[&Ran]) {
    for ran in all {
        assert!(!ran.stdout.contains(MARK) && !ran.stderr.contains(MARK), "{}{}", ran.stdout, ran.stderr);
    }
    let leaks: Vec<String> = sample
        .written()
        .into_iter()
        // The backup is what rows are kept in: outside the work tree, 0600 in a folder of 0700.
        .filter(|(path, _)| path.extension().is_none_or(|ending| ending != "dump"))
        .flat_map(|(path, text)| {
            let lines = text.lines().filter(|line| line.contains(MARK)).map(str::to_owned).collect::<Vec<_>>();
            lines.into_iter().map(move |line| format!("{}: {line}", path.display()))
        })
        .collect();
    assert_eq!(leaks, [] as [String; 0]);
}

/// A stop as a program sees it: exit 3, and one object on stdout that says what is asked and how to answer.
#[track_caller]
fn asks(ran: &Ran, run: &str, step: &str, kind: &str) -> Value {
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let object = ran.json();
    assert_eq!((&object["schema"], &object["run"]), (&Value::from("1.0"), &Value::from(run)));
    let next = object["next"].clone();
    assert_eq!((&next["step"], &next["kind"]), (&Value::from(step), &Value::from(kind)));
    assert!(next["question"].as_str().is_some_and(|question| !question.is_empty()), "{next}");
    for option in next["options"].as_array().unwrap() {
        assert!(option["n"].is_u64() && option["label"].is_string() && option["leads_to"].is_string(), "{option}");
    }
    let command = next["command"].as_str().unwrap();
    let word = if kind == "edit" { "cargo xtask db-change" } else { "cargo xtask db-change " };
    assert!(command.starts_with(word), "{command}");
    next
}

/// The database URL of a role with this password, which owns everything in the sample's database and is no superuser.
fn as_owner(sample: &Sample, password: &str) -> String {
    let role = format!("owner_{}", sample.database);
    sample
        .client()
        .batch_execute(&format!(
            r#"create role {role} login password '{}';
            alter database {} owner to {role};
            do $$ declare one record; begin
              for one in select format('schema %I', nspname) as what from pg_namespace where nspname in ('public', 'drizzle')
                union all select format('table %s', c.oid::regclass) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                  where n.nspname in ('public', 'drizzle') and c.relkind in ('r', 'v')
                union all select format('type %s', t.oid::regtype) from pg_type t join pg_namespace n on n.oid = t.typnamespace
                  where n.nspname = 'public' and t.typtype = 'e'
              loop execute format('alter %s owner to {role}', one.what); end loop;
            end $$"#,
            password.replace('\'', "''"),
            sample.database
        ))
        .unwrap();
    let place = sample.env["DATABASE_URL"].split_once('@').unwrap().1.to_owned();
    format!("postgres://{role}:{}@{place}", percent_encoded(password))
}

/// What a program may make of a password: as typed, in a url, as hexadecimal text, and the middle of every base64 with it in.
fn forms(password: &str) -> Vec<String> {
    let encoded = percent_encoded(password);
    let mut forms = vec![password.to_owned(), encoded.clone(), encoded.replace("%2F", "%2f")];
    for text in [password, encoded.as_str()] {
        forms.push(xtask::digest::hex(text.as_bytes()));
        forms.extend((0..3).map(|before| {
            let whole = STANDARD_NO_PAD.encode([vec![0; before], text.as_bytes().to_vec()].concat());
            whole[4..whole.len() - 2].to_owned()
        }));
    }
    forms
}

/// Looks at the arguments of every process of the machine until told to stop; those that hold one of the texts.
fn watch_arguments(texts: &[String], stop: &AtomicBool) -> Vec<String> {
    let mut found = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(bytes) = fs::read(entry.path().join("cmdline")) else { continue };
            let line = String::from_utf8_lossy(&bytes).replace('\0', " ");
            if texts.iter().any(|text| line.contains(text)) {
                found.push(line);
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    found
}

#[test]
fn an_additive_change_from_an_edited_schema_takes_one_command_and_tells_no_secret() {
    let mut sample = Sample::new();
    sample.client().batch_execute(CANARIES).unwrap();
    let password = "p@ss/w#rd%x'y";
    let url = as_owner(&sample, password);
    sample.env.insert("DATABASE_URL".to_owned(), url);
    let before = sample.content();
    sample.patch("phone/schema.patch");
    let secrets = forms(password);
    let stop = AtomicBool::new(false);
    let (ran, seen) = std::thread::scope(|scope| {
        let watch = scope.spawn(|| watch_arguments(&secrets, &stop));
        let ran = sample.db_change(&[]);
        stop.store(true, Ordering::Relaxed);
        (ran, watch.join().unwrap())
    });
    assert_eq!(ran.code, 0);
    is_summary(&ran.stdout, PHONE);
    assert_eq!(seen, [] as [String; 0], "the password in the arguments of a process");

    let after = sample.content();
    assert_eq!(after.applied.len(), before.applied.len() + 1);
    assert_eq!(after.applied[..before.applied.len()], before.applied[..]);
    assert_eq!(before.schema.difference(&after.schema), ["+ column public.users.phone: text"]);
    assert_eq!(before.data.rows(), after.data.rows());
    let mut changed = sample.changed();
    changed.sort();
    assert_eq!(
        changed,
        [
            " M packages/db/drizzle/meta/_journal.json",
            " M packages/db/src/schema/users.ts",
            "?? packages/db/drizzle/0007_add_users_phone.sql",
            "?? packages/db/drizzle/meta/0007_snapshot.json",
            "?? packages/db/drizzle/receipts/0007_add_users_phone.toml",
            "?? packages/db/drizzle/rollback_0007_add_users_phone.sql",
            "?? packages/db/tests/add-users-phone.test.ts",
        ]
    );

    let again = sample.db_change(&[]);
    assert_eq!(again.code, 0);
    assert!(again.stderr.starts_with("nothing to do"), "{}", again.stderr);
    assert_eq!(after.difference(&sample.content()), [] as [String; 0]);

    let reports = ["text", "md", "json", "html"].map(|format| sample.db_change(&["report", "--format", format]));
    tells_no_row(&sample, &[&[&ran, &again], reports.each_ref().as_slice()].concat());
    let server = Regex::new("postgres://[^:/ ]+:[0-9a-f]{40,}@").unwrap();
    for (path, text) in sample.written() {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "the password in {}", path.display());
        }
        assert!(!server.is_match(&text), "the password of a throw-away server in {}", path.display());
    }
}

#[test]
fn a_breaking_change_goes_through_as_a_coordinated_deployment_and_back() {
    let sample = Sample::new();
    sample.client().batch_execute(CANARIES).unwrap();
    sample.write("packages/db/tests/accounts.test.ts", TELLTALE);
    sample.commit("a test that quotes rows");
    let before = sample.content();
    let untouched = || assert_eq!(before.difference(&sample.content()), [] as [String; 0], "the development database");
    let run = "rename-email-1";
    let mut all = Vec::new();
    let mut go = |args: &[&str]| {
        let ran = sample.db_change(args);
        all.push(ran);
        let ran = all.last().unwrap();
        Ran { code: ran.code, stdout: ran.stdout.clone(), stderr: ran.stderr.clone() }
    };
    let says = |args: &[&str]| assert_eq!(sample.db_change(args).code, 0);
    // A word out of turn is refused with the steps that come first.
    let out_of_turn = |args: &[&str], missing: &str| {
        let ran = sample.db_change(args);
        ran.fails(4, &[missing]);
    };

    let first = go(&["start", "--title", "Rename email", "--rename", "users.email=users.email_address"]);
    let next = asks(&first, run, "read-docs", "attestation");
    assert_eq!(next["command"], "cargo xtask db-change attest read-docs --by NAME --note TEXT");
    out_of_turn(&["answer", "impact", "2", "--reason", "early"], "`declare`");
    out_of_turn(&["accept", "H10", "--reason", "early"], "not passed yet: read-docs, inventory, declare, impact");
    out_of_turn(&["attest", "checklist", "--by", "D", "--note", "early"], "`apply`");
    assert_eq!(sample.step("impact"), "pending");
    status_has_its_keys(&sample.status());

    says(&["attest", "read-docs", "--by", "Developer", "--note", "read them all"]);
    let next = asks(&go(&[]), run, "impact", "decision");
    assert_eq!(next["options"].as_array().unwrap().len(), 3);
    let question = next["question"].as_str().unwrap();
    assert!(question.starts_with("This change will break 4 API procedures and 2 UI components."), "{question}");
    out_of_turn(&["answer", "typecheck", "1", "--reason", "early"], "`usages`");
    assert_eq!(sample.db_change(&["answer", "impact", "4", "--reason", "no such option"]).code, 2);
    says(&["answer", "impact", "1", "--reason", "the careful way"]);
    go(&[]).fails(1, &["option 1 of `impact` is not built yet"]);
    says(&["answer", "impact", "2", "--reason", "small internal app, one instance"]);

    asks(&go(&[]), run, "schema-test-scaffold", "edit");
    let test = "packages/db/tests/rename-email.test.ts";
    sample.write(test, &format!("{}{OWN_TEST}", sample.read(test)));
    let next = asks(&go(&[]), run, "implement", "edit");
    assert!(next["details"][0].as_str().unwrap().contains("packages/db/src/schema/users.ts:"), "{next}");
    red_for_the_right_reason(&sample);
    untouched();

    sample.patch("rename/schema.patch");
    let next = asks(&go(&[]), run, "review", "decision");
    // The unique constraint has another name, and its index is made again over the three million rows of production.
    assert_eq!(next["findings"], Value::from(vec!["H10", "H33", "H81"]));
    assert_eq!(next["command"], "cargo xtask db-change accept H10 H33 H81 --reason TEXT");
    renames_and_drops_nothing(&sample.read("packages/db/drizzle/0007_rename_email.sql"));
    says(&["accept", "H10", "H33", "H81", "--reason", "code and database are deployed together"]);

    let rehearsed = go(&["--to", "rehearse"]);
    assert_eq!((rehearsed.code, rehearsed.stdout.as_str()), (0, ""));
    assert_eq!((sample.step("rehearse"), sample.step("verify-schema")), ("passed".to_owned(), "pending".to_owned()));
    untouched();

    let errors = go(&[]);
    asks(&errors, run, "typecheck", "decision");
    assert!(errors.stderr.contains("packages/api/src/procedures/users/users.ts:"), "{}", errors.stderr);
    says(&["answer", "typecheck", "2", "--reason", "keep the old name"]);
    go(&[]).fails(1, &["option 2 of `typecheck` is not built yet"]);
    says(&["answer", "typecheck", "1", "--reason", "the compiler shows every place"]);
    sample.patch("rename/code.patch");
    let next = asks(&go(&[]), run, "measure", "decision");
    assert!(next["question"].as_str().unwrap().contains("on 100,000 rows. In production with 3,000,000"), "{next}");
    says(&["answer", "measure", "1", "--reason", "in the background"]);
    go(&[]).fails(1, &["option 1 of `measure` is not built yet"]);
    untouched();
    says(&["answer", "measure", "3", "--reason", "Sunday 06:00, five minutes are announced"]);
    asks(&go(&[]), run, "checklist", "attestation");
    says(&["attest", "checklist", "--by", "Developer", "--note", "mail to the team, alert on 42703"]);
    let last = go(&[]);
    assert_eq!(last.code, 0);
    is_summary(&last.stdout, RENAME);

    let after = sample.content();
    assert_eq!(after.applied.len(), before.applied.len() + 1);
    let difference = before.schema.difference(&after.schema).join("\n");
    assert!(difference.contains("+ column public.users.email_address: text not null"), "{difference}");
    assert_eq!(before.data.rows(), after.data.rows());
    what_is_shown_afterwards(&sample, run);
    tells_no_row(&sample, &all.iter().collect::<Vec<_>>());

    // The rollback as a person runs it, on the database that was really migrated.
    let rollback = sample.read("packages/db/drizzle/rollback_0007_rename_email.sql");
    has_the_form_of_the_runbook(&rollback);
    let psql = |text: &str| {
        let mut run = Run::new(sample.shared.postgres.tool("psql"), sample.root()).args(["-X", "-q"]);
        run.env = url::parse(&sample.env["DATABASE_URL"]).unwrap().libpq_env();
        Ran::of(&run.stdin(text))
    };
    let down = psql(&rollback);
    assert_eq!(down.code, 0, "{}", down.stderr);
    untouched();
    assert_ne!(psql(&rollback).code, 0, "a second time it refuses");
    untouched();
}

#[test]
fn reconsidering_ends_the_run_and_keeps_its_analysis() {
    let sample = Sample::new();
    let before = sample.content();
    let start = ["start", "--title", "Rename email", "--rename", "users.email=users.email_address"];
    sample.db_change(&start);
    sample.db_change(&["attest", "read-docs", "--by", "Developer", "--note", "read"]);
    asks(&sample.db_change(&[]), "rename-email-1", "impact", "decision");
    assert_eq!(sample.db_change(&["answer", "impact", "3", "--reason", "not worth it"]).code, 0);
    let ran = sample.db_change(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert!(ran.stderr.contains("ended: reconsidered; the analysis is kept"), "{}", ran.stderr);
    let status = sample.status();
    assert_eq!((&status["change"]["outcome"], &status["next"]), (&Value::from("reconsidered"), &Value::Null));
    let why = sample.db_change(&["why", "impact", "--json"]).json();
    assert_eq!(why["answer"]["reason"], "not worth it");
    assert!(why["proven"]["procedures"].as_array().is_some_and(|names| names.len() == 4), "{why}");
    assert_eq!(sample.db_change(&["runs", "--json"]).json()["runs"][0]["outcome"], "reconsidered");
    assert_eq!(sample.changed(), [] as [String; 0]);
    assert_eq!(before.difference(&sample.content()), [] as [String; 0]);
    // The way is free for another run.
    asks(&sample.db_change(&start), "rename-email-2", "impact", "decision");
}

/// design: the JSON of `status` is an interface.
fn status_has_its_keys(status: &Value) {
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let all = |value: &Value, wanted: &[&str]| {
        let keys = keys(value);
        assert!(wanted.iter().all(|name| keys.iter().any(|key| key == name)), "{wanted:?} in {keys:?}");
    };
    all(status, &["schema", "run", "change", "lane", "phases", "next"]);
    assert_eq!((&status["schema"], &status["lane"]), (&Value::from("1.0"), &Value::from("breaking")));
    let phases = status["phases"].as_array().unwrap();
    let ids: Vec<&str> = phases.iter().map(|phase| phase["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["prepare", "test-first", "migrate", "breaking", "impact", "performance", "validate"]);
    for step in phases.iter().flat_map(|phase| phase["steps"].as_array().unwrap()) {
        all(step, &["id", "status", "reason", "seconds", "waits_for"]);
    }
    all(&status["next"], &["step", "question", "options", "command"]);
    assert_eq!(phases[0]["steps"][0]["waits_for"], "attestation");
}

fn red_for_the_right_reason(sample: &Sample) {
    let why = sample.db_change(&["why", "schema-test-red", "--json"]).json();
    assert_eq!(why["status"], "passed");
    assert_eq!(why["proven"]["claims"].as_array().unwrap().len(), 4, "three of the scaffold and one of the developer");
    assert_eq!(why["proven"]["controls"].as_array().unwrap().len(), 1);
    let logs = sample.db_change(&["logs", "schema-test-red"]).stdout;
    for text in ["Expected to contain: \"email_address\"", "Received: \"accepted\"", " 1 pass", " 4 fail"] {
        assert!(logs.contains(text), "`{text}` is not in {logs}");
    }
    assert!(!logs.contains("Unhandled error"), "{logs}");
}

fn renames_and_drops_nothing(sql: &str) {
    assert!(sql.contains("RENAME COLUMN \"email\" TO \"email_address\""), "{sql}");
    assert!(!sql.contains("DROP COLUMN") && !sql.contains("ADD COLUMN"), "{sql}");
}

fn what_is_shown_afterwards(sample: &Sample, run: &str) {
    let shown = |args: &[&str]| {
        let ran = sample.db_change(args);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{args:?}");
        ran
    };
    assert_eq!(shown(&["runs", "--json"]).json()["runs"][0]["run"], run);
    let inventory = shown(&["inventory", "--json"]).json();
    assert_eq!(inventory["migrations"].as_array().unwrap().len(), 8);
    assert_eq!(inventory["applied"].as_array().unwrap().len(), 8);
    assert_eq!(inventory["problems"], Value::Array(Vec::new()));
    assert!(shown(&["why", "rehearse"]).stdout.contains("fingerprint = "));
    assert!(shown(&["logs", "rehearse"]).stdout.contains("bun run db:migrate"));
    let summary = shown(&["report", "--format", "text"]).stdout;
    is_summary(&summary, RENAME);
    let markdown = shown(&["report", "--format", "md"]).stdout;
    assert!(markdown.starts_with("## Rename email\n") && markdown.contains(&summary), "{markdown}");
    let json: Value = serde_json::from_str(&shown(&["report", "--format", "json"]).stdout).unwrap();
    assert_eq!((&json["run"], &json["lane"]), (&Value::from(run), &Value::from("breaking")));
    let page = shown(&["report", "--format", "html"]).stdout;
    assert!(page.starts_with("<!doctype html>") && page.contains("✅ Rollback tested"), "{page}");
    let receipt: toml::Table = sample.read("packages/db/drizzle/receipts/0007_rename_email.toml").parse().unwrap();
    assert_eq!(receipt["status"].as_str(), Some("claimed"));
    assert_eq!(receipt["accepted"].as_array().unwrap().len(), 3);
}

/// design: first line `\set ON_ERROR_STOP on`, BEGIN, a guard, the inverse, its own bookkeeping row by hash, COMMIT.
fn has_the_form_of_the_runbook(text: &str) {
    assert!(text.starts_with("\\set ON_ERROR_STOP on\n"), "{text}");
    let parts =
        ["\nBEGIN;\n", "RAISE EXCEPTION", "RENAME COLUMN \"email_address\" TO \"email\"", "DELETE FROM", "\nCOMMIT;\n"];
    let places: Vec<usize> =
        parts.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"))).collect();
    assert!(places.is_sorted(), "{places:?} in {text}");
}
