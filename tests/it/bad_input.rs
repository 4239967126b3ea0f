//! What a person can get wrong: each gives one clear error with what to do and the right exit code, and leaves work tree,
//! state and database such that the same command goes on once the cause is mended.

use std::fs;

use crate::sample::{Content, Sample};

/// The sample before something goes wrong, to compare with.
struct Before {
    changed: Vec<String>,
    content: Content,
}

impl Before {
    fn of(sample: &Sample) -> Before {
        Before { changed: sample.changed(), content: sample.content() }
    }

    /// The work tree has what it had and what the workflow says it writes; the database has what it had.
    #[track_caller]
    fn kept(&self, sample: &Sample, written: &[&str]) {
        let written = written.iter().map(|file| format!("?? {file}"));
        let mut expected: Vec<String> = self.changed.iter().cloned().chain(written).collect();
        let mut changed = sample.changed();
        expected.sort();
        changed.sort();
        assert_eq!(changed, expected, "the work tree");
        assert_eq!(self.content.difference(&sample.content()), [] as [String; 0], "the database");
    }
}

/// With the phone column in the schema file: a change that goes on without a question.
fn edited() -> Sample {
    let sample = Sample::new();
    sample.patch("phone/schema.patch");
    sample
}

#[track_caller]
fn goes_on(sample: &Sample, to: &str) {
    let ran = sample.db_change(&["--to", to]);
    assert_eq!(ran.code, 0, "after mending: {}", ran.stderr);
    assert_eq!(sample.step(to), "passed");
}

/// Runs into a wrong DATABASE_URL, then goes on with the right one.
#[track_caller]
fn wrong_url(wrong: impl FnOnce(&str) -> Option<String>, texts: &[&str]) {
    let mut sample = edited();
    let before = Before::of(&sample);
    let right = sample.env.remove("DATABASE_URL").unwrap();
    sample.env.extend(wrong(&right).map(|url| ("DATABASE_URL".to_owned(), url)));
    sample.db_change(&[]).fails(6, texts);
    before.kept(&sample, &[]);
    sample.env.insert("DATABASE_URL".to_owned(), right);
    goes_on(&sample, "declare");
}

#[test]
fn without_database_url_the_name_and_the_places_are_told() {
    wrong_url(|_| None, &["`DATABASE_URL` has no value", "`.env`", "hint: export DATABASE_URL=postgres://"]);
}

#[test]
fn a_server_that_is_down_is_told_by_its_address() {
    let down = |url: &str| {
        let (start, rest) = url.rsplit_once(':').unwrap();
        Some(format!("{start}:1/{}", rest.split_once('/').unwrap().1))
    };
    wrong_url(down, &["no PostgreSQL server answers at 127.0.0.1:1", "hint: start the server"]);
}

#[test]
fn a_wrong_password_is_told_without_the_password() {
    let wrong = |url: &str| {
        let (_, rest) = url.split_once('@').unwrap();
        Some(format!("postgres://postgres:wrong-secret@{rest}"))
    };
    wrong_url(wrong, &["refuses the password of user `postgres`", "hint: correct the password"]);
}

#[test]
fn a_missing_database_is_told_by_its_name() {
    wrong_url(
        |url| Some(format!("{}/nowhere", url.rsplit_once('/').unwrap().0)),
        &["has no database `nowhere`", "hint: create it (`createdb nowhere`)"],
    );
}

#[test]
fn database_url_may_stand_in_the_env_file_of_the_repo() {
    let mut sample = edited();
    let url = sample.env.remove("DATABASE_URL").unwrap();
    sample.write(".env", &format!("# the development database\nDATABASE_URL=\"{url}\"\n"));
    goes_on(&sample, "inventory");
}

#[test]
fn a_folder_without_package_json_is_not_a_bun_repo() {
    let sample = edited();
    let text = sample.read("package.json");
    fs::remove_file(sample.path("package.json")).unwrap();
    let before = Before::of(&sample);
    sample.db_change(&[]).fails(2, &["is not a bun repo: it has no `package.json`"]);
    before.kept(&sample, &[]);
    sample.write("package.json", &text);
    goes_on(&sample, "declare");
}

#[test]
fn a_folder_outside_of_git_is_refused() {
    let sample = Sample::without_git();
    sample.db_change(&[]).fails(6, &["is not in a git repository", "`git init`"]);
    assert!(!sample.path(".db-change").exists());
    sample.git(&["init", "--quiet"]);
    sample.db_change(&[]).fails(6, &["this repository has no commit yet"]);
    sample.commit("the sample repo");
    sample.patch("phone/schema.patch");
    goes_on(&sample, "declare");
}

#[test]
fn a_repo_without_a_workflow_file_is_told_which_one() {
    let sample = edited();
    let text = sample.read("workflows/db-change.toml");
    fs::remove_file(sample.path("workflows/db-change.toml")).unwrap();
    let before = Before::of(&sample);
    sample.db_change(&[]).fails(2, &["cannot read the workflow file", "workflows/db-change.toml"]);
    before.kept(&sample, &[]);
    sample.write("workflows/db-change.toml", &text);
    goes_on(&sample, "declare");
}

#[test]
fn invalid_toml_is_shown_with_its_line() {
    let sample = edited();
    let text = sample.read("workflows/db-change.toml");
    let number = text.lines().position(|line| line == "title = \"Edit the schema\"").unwrap() + 1;
    sample.edit("workflows/db-change.toml", "title = \"Edit the schema\"", "title = Edit the schema");
    let before = Before::of(&sample);
    sample.db_change(&[]).fails(2, &[&format!("workflows/db-change.toml:{number}:9"), "title = Edit the schema", "^"]);
    before.kept(&sample, &[]);
    sample.write("workflows/db-change.toml", &text);
    goes_on(&sample, "declare");
}

/// Without a script of a package: the first step that needs it says which one and where.
#[track_caller]
fn without_script(manifest: &str, script: &str, written: &[&str]) {
    let sample = edited();
    let line = sample.read(manifest).lines().find(|line| line.contains(&format!("\"{script}\":"))).unwrap().to_owned();
    sample.edit(manifest, &line, &line.replace(script, &format!("not-{script}")));
    sample.git(&["commit", "--quiet", "--message", "another name", "--", manifest]);
    let before = Before::of(&sample);
    sample.db_change(&[]).fails(2, &[&format!("`{script}`"), &format!("`{manifest}`")]);
    before.kept(&sample, written);
    sample.edit(manifest, &format!("not-{script}"), script);
    goes_on(&sample, "declare");
}

#[test]
fn a_missing_script_db_migrate_is_told_with_its_place() {
    without_script("packages/db/package.json", "db:migrate", &[]);
}

#[test]
fn a_missing_script_db_generate_is_told_with_its_place() {
    without_script("packages/db/package.json", "db:generate", &[]);
}

#[test]
fn a_missing_script_typecheck_is_told_with_its_place() {
    without_script("package.json", "typecheck", &[]);
}

#[test]
fn a_schema_that_does_not_compile_is_told_with_file_and_line() {
    for (wrong, text) in [
        ("phone: text('phone'", "packages/db/src/schema/users.ts:10:3: Expected"),
        ("phone: txt('phone'),", "packages/db/src/schema/users.ts:9:"),
    ] {
        let sample = edited();
        let before = Before::of(&sample);
        sample.edit("packages/db/src/schema/users.ts", "phone: text('phone'),", wrong);
        sample.db_change(&[]).fails(2, &["the schema files cannot be read", text]);
        before.kept(&sample, &[]);
        sample.edit("packages/db/src/schema/users.ts", wrong, "phone: text('phone'),");
        goes_on(&sample, "declare");
    }
}

#[test]
fn a_migration_that_fails_halfway_is_explained_by_the_database_and_changes_nothing() {
    let sample = edited();
    let before = Before::of(&sample);
    goes_on(&sample, "generate");
    let file = "packages/db/drizzle/0007_add_users_phone.sql";
    let made = sample.read(file);
    let statement = "ALTER TABLE \"exercises\" ALTER COLUMN \"equipment\" SET NOT NULL;";
    sample.write(file, &format!("{made}--> statement-breakpoint\n{statement}\n"));
    let mut ran = sample.db_change(&[]);
    if sample.step("review").starts_with("waiting") {
        let findings = sample.status()["next"]["findings"].clone();
        for finding in findings.as_array().unwrap() {
            assert_eq!(sample.db_change(&["accept", finding.as_str().unwrap(), "--reason", "to see"]).code, 0);
        }
        ran = sample.db_change(&[]);
    }
    ran.fails(3, &["23502", statement, &format!("{file}:2"), "column: equipment", "nothing real was changed"]);
    let asked = ran.json();
    assert_eq!(asked["next"]["step"], "rehearse");
    assert_eq!(asked["next"]["kind"], "decision");
    assert_eq!(asked["next"]["options"].as_array().unwrap().len(), 3);
    let question = asked["next"]["question"].as_str().unwrap();
    assert!(question.contains("15 of 60 rows of `exercises` without a value in `equipment`"), "{question}");
    assert_eq!(before.content.difference(&sample.content()), [] as [String; 0]);
    // Split and clean-up are not built yet, and say so.
    assert_eq!(sample.db_change(&["answer", "rehearse", "2", "--reason", "clean them up"]).code, 0);
    sample.db_change(&[]).fails(1, &["option 2 of `rehearse` is not built yet"]);
    assert_eq!(sample.db_change(&["answer", "rehearse", "1", "--reason", "the column may stay empty"]).code, 0);
    sample.write(file, &made);
    goes_on(&sample, "rehearse");
    assert_eq!(before.content.difference(&sample.content()), [] as [String; 0]);
}

#[test]
fn a_claim_that_passes_on_the_base_proves_nothing() {
    let sample = edited();
    goes_on(&sample, "schema-test-scaffold");
    let file = "packages/db/tests/add-users-phone.test.ts";
    let made = sample.read(file);
    let idle = "\ntest('add column users.phone: users have a name', () => {\n  expect(schema.users.name.name).toBe('name');\n});\n";
    sample.write(file, &format!("{made}{idle}"));
    let before = Before::of(&sample);
    sample.db_change(&[]).fails(1, &["proves nothing", "users have a name", "hint: assert what only the change makes"]);
    assert_eq!(sample.step("schema-test-red"), "failed");
    before.kept(&sample, &[]);
    sample.write(file, &made);
    goes_on(&sample, "schema-test-red");
}

#[test]
fn a_declared_table_or_column_that_is_not_there_is_refused_with_a_guess() {
    let sample = Sample::new();
    let before = Before::of(&sample);
    for (rename, texts) in [
        ("user.email=user.email_address", ["there is no table `user`", "did you mean `users`?"]),
        ("users.emial=users.email_address", ["`users` has no column `emial`", "did you mean `email`?"]),
    ] {
        let wrong = ["start", "--title", "Rename email", "--rename", rename];
        let mut ran = sample.db_change(&wrong);
        if ran.code == 3 {
            assert_eq!(sample.db_change(&["attest", "read-docs", "--by", "Developer", "--note", "read"]).code, 0);
            ran = sample.db_change(&[]);
        }
        ran.fails(2, &texts);
        before.kept(&sample, &[]);
        assert_eq!(sample.db_change(&["abort", "--reason", "a slip of the pen"]).code, 0);
    }
}

#[test]
fn schema_edits_that_nobody_declared_are_named() {
    let sample = Sample::new();
    sample.patch("phone/schema.patch");
    sample.edit(
        "packages/db/src/schema/exercises.ts",
        "equipment: text('equipment'),",
        "equipment: text('equipment'),\n  video: text('video'),",
    );
    sample.edit("packages/db/src/schema/workouts.ts", "createdAt:", "level: text('level'),\n  createdAt:");
    let before = Before::of(&sample);
    let ran = sample.db_change(&["start", "--title", "Add phone", "--add", "users.phone=text"]);
    ran.fails(1, &["there, and not declared", "exercises.video", "workouts.level"]);
    assert!(!ran.stderr.contains("declared, and not there"), "{}", ran.stderr);
    before.kept(&sample, &["packages/db/tests/add-phone.test.ts"]);
    sample.git(&["checkout", "--", "packages/db/src/schema/exercises.ts", "packages/db/src/schema/workouts.ts"]);
    goes_on(&sample, "implement");
}

#[test]
fn a_rename_that_nobody_declared_is_asked_and_never_taken_for_drop_and_add() {
    let sample = Sample::new();
    sample.patch("rename/schema.patch");
    let before = Before::of(&sample);
    let ran = sample.db_change(&[]);
    let command = "cargo xtask db-change start --rename users.email=users.email_address";
    ran.fails(3, &["renamed, or dropped and added?", command]);
    let next = &ran.json()["next"];
    assert_eq!(
        (&next["step"], &next["kind"], &next["command"]),
        (&"declare".into(), &"decision".into(), &command.into())
    );
    before.kept(&sample, &[]);
    // Said to be a new column beside the old one, it is refused as well.
    let ran = sample.db_change(&["start", "--title", "Add address", "--add", "users.email_address=text"]);
    ran.fails(1, &["there, and not declared", "users.email"]);
    before.kept(&sample, &["packages/db/tests/add-address.test.ts"]);
}
