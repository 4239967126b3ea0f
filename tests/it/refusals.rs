//! Steps that have no way to pass, each shown refusing on the sample with the real tools: a column that may not be null, in
//! the lane `guarded`. Where other steps are shown refusing: the list at the end of `ways.rs`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::sample::{Ran, Sample};

const MIGRATION: &str = "packages/db/drizzle/0007_add_users_nickname.sql";
const TEST: &str = "packages/db/tests/add-users-nickname.test.ts";

/// Goes up to a step, which fails and says this.
#[track_caller]
fn refuses(sample: &Sample, step: &str, words: &[&str]) -> Ran {
    let ran = sample.db_change(&["--to", step]);
    ran.fails(1, words);
    assert!(ran.stderr.contains(&format!("held up by: {step}")), "{}", ran.stderr);
    ran
}

/// Goes up to a step, which a person has to open.
#[track_caller]
fn waits(sample: &Sample, to: &str, words: &str) {
    let ran = sample.db_change(&["--to", to]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains(words), "{}", ran.stderr);
}

/// Goes up to a step, giving the words that a person has for it.
#[track_caller]
fn passes(sample: &Sample, step: &str) {
    let ran = comes_to(sample, step);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

/// Goes on until nothing waits for a person any more.
#[track_caller]
fn comes_to(sample: &Sample, step: &str) -> Ran {
    for _ in 0..8 {
        let ran = sample.db_change(&["--to", step]);
        if ran.code != 3 {
            return ran;
        }
        let next = &ran.json()["next"];
        let at = next["step"].as_str().unwrap();
        let word = match next["kind"].as_str().unwrap() {
            "attestation" => vec!["attest", at, "--by", "Ada", "--note", "done"],
            "decision" if next["findings"].as_array().is_some_and(|found| !found.is_empty()) => {
                let found = next["findings"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                ["accept"].into_iter().chain(found).chain(["--reason", "to see"]).collect()
            }
            "decision" if at == "declare" => vec!["answer", at, "1", "--reason", "as I meant it"],
            "decision" => vec!["answer", at, "2", "--reason", "to see"],
            "edit" => continue,
            kind => panic!("no word for {at} ({kind})"),
        };
        assert_eq!(sample.db_change(&word).code, 0);
    }
    panic!("`{step}` waits for ever");
}

/// With other text in a file for as long as it takes.
fn with_edit(sample: &Sample, name: &str, edit: &dyn Fn(&str) -> String, look: impl FnOnce()) {
    let before = sample.read(name);
    sample.write(name, &edit(&before));
    assert_ne!(sample.read(name), before, "{name} was not edited");
    look();
    sample.write(name, &before);
}

/// On the base already: a test that fails, and one that fails for as long as a file is not there. Gives that file.
fn with_a_known_failure_and_a_moody_test(sample: &Sample) -> std::path::PathBuf {
    let file = sample.everything().join("moody");
    let text = format!(
        "import {{ expect, test }} from 'bun:test';\nimport {{ existsSync, writeFileSync }} from 'node:fs';\ntest('known to fail', () => expect(1).toBe(2));\ntest('moody', () => {{\n  const there = existsSync('{0}');\n  writeFileSync('{0}', '');\n  expect(there).toBe(true);\n}});\n",
        file.display()
    );
    sample.write("packages/db/tests/known.test.ts", &text);
    sample.commit("two tests");
    file
}

/// PostgreSQL's programs, of which `pg_dump` cuts what it wrote in half and says that all is well.
fn with_a_dump_cut_in_half(sample: &Sample) -> String {
    let real = sample.shared.postgres.tool("pg_dump");
    let bin = sample.everything().join("bin");
    fs::create_dir_all(&bin).unwrap();
    for entry in fs::read_dir(real.parent().unwrap()).unwrap().map(Result::unwrap) {
        symlink(entry.path(), bin.join(entry.file_name())).unwrap();
    }
    fs::remove_file(bin.join("pg_dump")).unwrap();
    let script = format!(
        "#!/bin/sh\n{} \"$@\" || exit 1\nfor last in \"$@\"; do\n  case $before in --file) file=$last;; esac\n  case $last in --file=*) file=${{last#--file=}};; esac\n  before=$last\ndone\n[ -f \"$file\" ] && truncate -s \"$(($(stat -c %s \"$file\") / 2))\" \"$file\"\nexit 0\n",
        real.display()
    );
    fs::write(bin.join("pg_dump"), script).unwrap();
    fs::set_permissions(bin.join("pg_dump"), fs::Permissions::from_mode(0o755)).unwrap();
    bin.display().to_string()
}

#[test]
fn each_step_refuses_what_it_is_there_to_refuse() {
    let mut sample = Sample::new();
    let moody = with_a_known_failure_and_a_moody_test(&sample);
    let before = sample.content();
    let mut client = sample.client();
    sample.edit(
        "packages/db/src/schema/users.ts",
        "name: text('name').notNull(),",
        "name: text('name').notNull(),\n  nickname: text('nickname').notNull().default('x'),",
    );

    let docs = sample.read(".cursor/rules/db-usage.mdc");
    fs::remove_file(sample.path(".cursor/rules/db-usage.mdc")).unwrap();
    refuses(&sample, "read-docs", &["`.cursor/rules/db-usage.mdc` cannot be read"]);
    sample.write(".cursor/rules/db-usage.mdc", &docs);
    passes(&sample, "read-docs");

    let third = "from drizzle.__drizzle_migrations order by id offset 2 limit 1";
    let hash: String = client.query_one(&format!("select hash {third}"), &[]).unwrap().get(0);
    let set =
        |to: &str| format!("update drizzle.__drizzle_migrations set hash = '{to}' where id = (select id {third})");
    client.batch_execute(&set("edited")).unwrap();
    refuses(&sample, "inventory", &["0002_"]);
    client.batch_execute(&set(&hash)).unwrap();

    // A claim of the change that the change does not bring: red on the base as it must be, and red afterwards.
    passes(&sample, "schema-test-scaffold");
    let false_claim = "\ntest('add column users.nickname: it is empty', async () => {\n  const rows = await db.execute(sql`select column_default from information_schema.columns where table_name = 'users' and column_name = 'nickname'`);\n  expect(rows[0]?.column_default).toBe(\"''::text\");\n});\n";
    let claims = |text: &str| {
        let import = if text.contains("import { sql") { "" } else { "import { sql } from 'drizzle-orm';\n" };
        format!("{import}{text}{false_claim}")
    };
    with_edit(&sample, TEST, &claims, || {
        passes(&sample, "rehearse");
        refuses(&sample, "schema-test-green", &["1 of", "tests still fail after the change", "it is empty"]);
    });

    sample.env.insert("PG_BIN".to_owned(), with_a_dump_cut_in_half(&sample));
    client.batch_execute("create table elsewhere (id int)").unwrap();
    let ran = sample.db_change(&["--to", "backup"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("held up by: backup"), "{}", ran.stderr);
    sample.env.remove("PG_BIN");
    client.batch_execute("drop table elsewhere").unwrap();

    // The development database has something that no migration made, in a table that the change touches.
    client.batch_execute("alter table users add column drifted text").unwrap();
    refuses(&sample, "verify-schema", &["is not what migrations and schema files say", "drifted"]);
    client.batch_execute("alter table users drop column drifted").unwrap();

    // SQL beyond the change, accepted by name: it keeps all rows that are there, and breaks what comes after.
    let harmful = "\n--> statement-breakpoint\nDELETE FROM users WHERE email ~ '^g[0-9a-f]+-';\n--> statement-breakpoint\nCREATE FUNCTION full_up() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full'; END $$;\n--> statement-breakpoint\nCREATE TRIGGER full_up BEFORE INSERT ON workouts EXECUTE FUNCTION full_up();\n";
    with_edit(&sample, MIGRATION, &|text| format!("{text}{harmful}"), || {
        waits(&sample, "rehearse", "3 findings to accept by name");
        passes(&sample, "rehearse");
        refuses(&sample, "data-preserved", &["5 of 10005 rows of `users` are not"]);
        refuses(&sample, "old-code", &["tests of the old code fail after the migration"]);
        waits(&sample, "rollback-write", "The rollback cannot be derived");
    });

    // Code that cannot be read is not judged, and says so.
    sample.write("packages/api/src/unreadable.ts", "export const = ;\n");
    passes(&sample, "usages");
    let why = sample.db_change(&["why", "usages", "--json"]).json();
    assert_eq!(why["proven"]["not_judged"], serde_json::json!(["packages/api/src/unreadable.ts"]));
    fs::remove_file(sample.path("packages/api/src/unreadable.ts")).unwrap();

    // The repo's own tests and its seed.
    passes(&sample, "rollback-prove");
    let failing = "import { expect, test } from 'bun:test';\ntest('new', () => expect(1).toBe(2));\n";
    with_edit(
        &sample,
        "packages/api/src/procedures/users/users.test.ts",
        &|text| format!("{text}\ntest('new', () => expect(1).toBe(2));\n"),
        || {
            refuses(&sample, "api-tests", &["1 tests fail that passed on the base", "new"]);
        },
    );
    for name in ["packages/db/tests/new.test.ts", "packages/api/src/new.test.ts"] {
        sample.write(name, failing);
    }
    with_edit(&sample, "packages/db/src/seed.ts", &|_| "console.log('seeded');\n".to_owned(), || {
        refuses(&sample, "db-tests", &["1 tests fail that passed on the base", "packages/db/tests/new.test.ts"]);
        refuses(&sample, "api-suite", &["1 tests fail that passed on the base", "packages/api/src/new.test.ts"]);
        refuses(&sample, "seed", &["succeeded and left no row"]);
    });
    for name in ["packages/db/tests/new.test.ts", "packages/api/src/new.test.ts"] {
        fs::remove_file(sample.path(name)).unwrap();
    }
    assert_eq!(before.difference(&sample.content()), [] as [String; 0], "something reached the database");

    // What failed on the base already is listed and does not block; what passes on retry is named.
    fs::remove_file(&moody).unwrap();
    passes(&sample, "db-tests");
    let info = sample.db_change(&["why", "db-tests", "--json"]).json()["info"].clone();
    let named = |list: &str, test: &str| info[list].to_string().contains(test);
    assert!(named("failed_on_base_too", "known to fail") && !named("failed_on_base_too", "moody"), "{info}");
    assert!(named("flaky", "moody"), "{info}");
    let known = glob::glob(&format!("{}/state/**/*.tests-*.toml", sample.everything().display())).unwrap();
    let known: String = known.map(|path| fs::read_to_string(path.unwrap()).unwrap()).collect();
    assert!(known.contains("flaky = [\"packages/db/tests/known.test.ts > moody\"]"), "{known}");
    assert!(!known.contains("failed = [\"packages/db/tests/known.test.ts > known to fail\", "), "{known}");

    passes(&sample, "apply");
    waits(&sample, "checklist", "need your word");
    let word = ["db-change", "attest", "checklist", "--by", "Ada", "--note", "told the team"];
    sample.run_unsigned(&word).fails(4, &["opened by a person's word"]);
    passes(&sample, "checklist");
    assert_eq!(sample.db_change(&[]).code, 0);
}

#[test]
fn two_breaking_operations_do_not_go_into_one_migration() {
    let sample = Sample::new();
    let renames = ["--rename", "users.email=users.email_address", "--rename", "users.name=users.full_name"];
    let start = [&["start", "--title", "Two names", "--to", "declare"] as &[&str], &renames].concat();
    assert_eq!(sample.db_change(&start).code, 3);
    let ran = comes_to(&sample, "declare");
    ran.fails(1, &["2 breaking operations in one migration", "hint: split them, each is a change of its own"]);
}
