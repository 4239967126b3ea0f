//! Where a run can start: with an idea, an edited schema, a migration that is there already, SQL of one's own, a
//! colleague's branch. Each with the real tools, and the same proofs behind it.

use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::process::escapes::plain;
use xtask::process::pty::{Read1, Session};
use xtask::process::{Run, tools};

use crate::sample::{Ran, Sample};

const USERS: &str = "packages/db/src/schema/users.ts";
const DRIZZLE: &str = "packages/db/drizzle";

/// Goes on until nothing waits any more: every word is given, `edit` does what a step waits for. Gives the last stop.
fn through(sample: &Sample, first: Ran, edit: &mut dyn FnMut(&str, &Value)) -> Ran {
    let mut ran = first;
    for _ in 0..20 {
        if ran.code != 3 {
            return ran;
        }
        let next = ran.json()["next"].clone();
        let at = next["step"].as_str().unwrap();
        let word = match next["kind"].as_str().unwrap() {
            "edit" => {
                edit(at, &next);
                Vec::new()
            }
            "attestation" => vec!["attest", at, "--by", "Ada", "--note", "done"],
            "decision" if next["findings"].as_array().is_some_and(|found| !found.is_empty()) => {
                let found = next["findings"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                ["accept"].into_iter().chain(found).chain(["--reason", "to see"]).collect()
            }
            "decision" if at == "declare" => vec!["answer", at, "1", "--reason", "as I meant it"],
            "decision" if at == "measure" => vec!["answer", at, "3", "--reason", "at night"],
            "decision" => vec!["answer", at, "2", "--reason", "one instance"],
            kind => panic!("no word for {at} ({kind})"),
        };
        if !word.is_empty() {
            assert_eq!(sample.db_change(&word).code, 0);
        }
        ran = sample.db_change(&[]);
    }
    panic!("it waits for ever");
}

fn bun(sample: &Sample, args: &[&str]) -> Run {
    let bun = tools::bun(Some(&sample.root())).unwrap().path;
    let mut run = Run::new(&bun, sample.path("packages/db")).args(args.iter().copied());
    run.env.clone_from(&sample.env);
    run.env("PATH", tools::path_with(&[bun.parent().unwrap()]))
}

/// drizzle-kit, as the developer calls it.
fn generate(sample: &Sample, args: &[&str]) {
    let ran = Ran::of(&bun(sample, &[&["run", "db:generate"], args].concat()));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

/// Ended with its receipt, and applied once to the development database.
#[track_caller]
fn is_proven(sample: &Sample, ran: &Ran, tag: &str, before: usize) {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for line in [format!("✅ Migration: {tag}.sql generated"), "✅ Rollback tested".to_owned(), "✅ Tests: ".to_owned()]
    {
        assert!(ran.stdout.contains(&line), "{}", ran.stdout);
    }
    assert!(!ran.stdout.contains('❌'), "{}", ran.stdout);
    assert!(sample.path(&format!("{DRIZZLE}/receipts/{tag}.toml")).exists());
    assert_eq!(sample.content().applied.len(), before + 1);
    let why = sample.db_change(&["why", "schema-test-red", "--json"]).json();
    assert!(why["proven"]["claims"].as_array().is_some_and(|claims| !claims.is_empty()), "{why}");
}

#[test]
fn a_generated_migration_is_read_confirmed_and_adopted_as_it_is() {
    let sample = Sample::new();
    let applied = sample.content().applied.len();
    sample.edit(
        USERS,
        "name: text('name').notNull(),",
        "name: text('name').notNull(),\n  rank: integer('rank').notNull().default(1),",
    );
    sample.edit(USERS, "pgEnum, pgTable", "integer, pgEnum, pgTable");
    generate(&sample, &["--name", "ranks"]);
    let file = format!("{DRIZZLE}/0007_ranks.sql");
    let sql = sample.read(&file);

    let ran = sample.db_change(&[]);
    let ran = match ran.json()["next"]["step"].as_str() {
        Some("read-docs") => {
            sample.db_change(&["attest", "read-docs", "--by", "Ada", "--note", "read"]);
            sample.db_change(&[])
        }
        _ => ran,
    };
    assert_eq!(ran.code, 3);
    let next = &ran.json()["next"];
    assert_eq!((&next["step"], &next["kind"]), (&Value::from("declare"), &Value::from("decision")));
    let question = next["question"].as_str().unwrap();
    assert!(question.contains("0007_ranks.sql") && question.contains("add column users.rank"), "{question}");
    assert_eq!(next["command"], "cargo xtask db-change answer declare N --reason TEXT");

    let last = through(&sample, ran, &mut |_, _| {});
    is_proven(&sample, &last, "0007_ranks", applied);
    assert_eq!(sample.read(&file), sql, "the file is adopted, not made anew");
    let again = sample.db_change(&[]);
    assert!(again.stderr.contains("`0007_ranks` is proven as it stands"), "{}", again.stderr);
}

const FUNCTION: &str = r#"CREATE FUNCTION tidy_title() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.title := trim(NEW.title);
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER workouts_tidy_title BEFORE INSERT OR UPDATE ON "workouts" FOR EACH ROW EXECUTE FUNCTION tidy_title();
"#;

#[test]
fn a_function_with_its_trigger_is_proven_by_a_test_and_a_rollback_of_a_persons_own() {
    let sample = Sample::new();
    let applied = sample.content().applied.len();
    generate(&sample, &["--custom", "--name", "tidy_titles"]);
    let file = format!("{DRIZZLE}/0007_tidy_titles.sql");
    sample.db_change(&[]).fails(3, &["holds no statement yet"]);
    sample.write(&file, "DO $$ BEGIN DELETE FROM invites; END $$;\n");
    let asked = sample.db_change(&[]);
    asked.fails(3, &["which tables and columns does it touch?", "0007_tidy_titles.sql:1   DO $$ BEGIN"]);
    let command = asked.json()["next"]["command"].as_str().unwrap().to_owned();
    assert!(command.starts_with("cargo xtask db-change start --custom \"tidy titles\" --touches"), "{command}");
    sample.write(&file, FUNCTION);

    let mut waited = Vec::new();
    let first = sample.db_change(&[]);
    let last = through(&sample, first, &mut |step, next| {
        waited.push(step.to_owned());
        match (step, waited.len()) {
            // The skeleton as it is: nobody is let past it.
            ("schema-test-scaffold", 1) => assert!(next["details"][0].as_str().unwrap().contains("not written yet")),
            ("schema-test-scaffold", 2) => {
                let test = "packages/db/tests/tidy-titles.test.ts";
                let text = sample.read(test);
                assert!(text.contains("control: workouts can be written and read"), "{text}");
                let line = text.lines().find(|line| line.trim().starts_with("unwritten(")).unwrap();
                let claim = "      const row = await makeWorkouts(tx, { ['title']: sql`'  Push  '` });\n      expect(row['title']).toBe('Push');";
                sample.write(test, &text.replace(line, claim));
            }
            ("rollback-write", 3) => {}
            ("rollback-write", 4) => {
                let rollback = format!("{DRIZZLE}/rollback_0007_tidy_titles.sql");
                let text = sample.read(&rollback);
                let place = text.lines().find(|line| line.contains("not written yet")).unwrap();
                let inverse = "DROP TRIGGER workouts_tidy_title ON workouts;\nDROP FUNCTION tidy_title();";
                sample.write(&rollback, &text.replace(place, inverse));
            }
            other => panic!("{other:?}"),
        }
    });
    is_proven(&sample, &last, "0007_tidy_titles", applied);
    let why = sample.db_change(&["why", "impact", "--json"]).json();
    assert!(why["proven"]["checks"]["SQL of one's own"].as_str().unwrap().starts_with("not judged"), "{why}");
    let verified = sample.db_change(&["why", "verify-schema", "--json"]).json();
    assert!(verified["proven"]["difference"].to_string().contains("trigger"), "{verified}");
}

/// Rows that change, and one that comes with a key of its own.
const DATA: &str = "UPDATE workouts SET description = '' WHERE description IS NULL;
--> statement-breakpoint
INSERT INTO exercises (name, muscle_group) VALUES ('Wall sit', 'legs');
";

#[test]
fn a_data_migration_changes_what_was_declared_and_nothing_else() {
    let sample = Sample::new();
    let applied = sample.content().applied.len();
    let writes = ["--touches", "workouts,exercises", "--writes", "workouts.description,exercises.*"];
    let start = [&["start", "--custom", "describe every workout"] as &[&str], &writes].concat();
    let mut waited = Vec::new();
    let first = sample.db_change(&start);
    let last = through(&sample, first, &mut |step, _| {
        waited.push(step.to_owned());
        match step {
            "schema-test-scaffold" => {
                let test = "packages/db/tests/custom-sql-describe-every-workout.test.ts";
                let text = sample.read(test);
                let mark = "unwritten(";
                if let Some(line) = text.lines().find(|line| line.trim().starts_with(mark)) {
                    let claim = "      const [left] = await rows(tx, sql`select count(*)::int as count from workouts where description is null and created_at < '2026-01-01'`);\n      expect(left?.count).toBe(0);";
                    sample.write(test, &text.replace(line, claim));
                }
            }
            "implement" => {
                let file = format!("{DRIZZLE}/0007_custom_sql_describe_every_workout.sql");
                sample.write(&file, DATA);
            }
            "rollback-write" => {
                let rollback = format!("{DRIZZLE}/rollback_0007_custom_sql_describe_every_workout.sql");
                let text = sample.read(&rollback);
                let place = text.lines().find(|line| line.contains("not written yet")).unwrap();
                let inverse = "UPDATE workouts SET description = NULL WHERE description = '';\nDELETE FROM exercises WHERE name = 'Wall sit';";
                sample.write(&rollback, &text.replace(place, inverse));
            }
            other => panic!("{other}"),
        }
    });
    assert_eq!(waited, ["schema-test-scaffold", "implement", "rollback-write"]);
    is_proven(&sample, &last, "0007_custom_sql_describe_every_workout", applied);
    let status = sample.status().to_string();
    assert!(status.contains("not compared: exercises.*, workouts.description"), "{status}");
}

/// A test of the colleague's own, named after what it claims.
const PHONE_TEST: &str = r"import { expect, test } from 'bun:test';
import { sql } from 'drizzle-orm';
import { db } from '@/db';

test('users.phone holds a number', async () => {
  const found = await db.execute(sql`select 1 from information_schema.columns where table_name = 'users' and column_name = 'phone'`);
  expect([...found]).toHaveLength(1);
});
";

/// A commit with one nullable column, its migration, and nothing of ours.
fn column(sample: &Sample, file: &str, after: &str, name: &str) {
    sample.edit(file, after, &format!("{after}\n  {name}: text('{name}'),"));
    generate(sample, &["--name", name]);
}

#[test]
fn a_colleagues_branch_is_proven_against_the_commit_before_it_with_the_test_that_came_along() {
    let sample = Sample::new();
    let applied = sample.content().applied.len();
    sample.git(&["switch", "--quiet", "--create", "phone"]);
    sample.write("packages/db/tests/phone.test.ts", PHONE_TEST);
    column(&sample, USERS, "name: text('name').notNull(),", "phone");
    sample.commit("users have a phone");
    let base = sample.git(&["rev-parse", "HEAD^"]);
    sample.write("NOTES.md", "later");
    sample.commit("another commit on top");

    let plain = sample.db_change(&[]);
    assert_eq!(plain.code, 0);
    assert!(plain.stderr.contains("cargo xtask db-change adopt 0007_phone"), "{}", plain.stderr);
    sample
        .db_change(&["adopt", "0007_phon"])
        .fails(2, &["no migration is called `0007_phon`", "did you mean `0007_phone`?"]);
    sample.db_change(&["adopt", "0000_create_users_and_workouts"]).fails(4, &["came with the first commit"]);

    let first = sample.db_change(&["adopt"]);
    let last = through(&sample, first, &mut |step, _| panic!("{step}"));
    is_proven(&sample, &last, "0007_phone", applied);
    assert_eq!(sample.status()["change"]["base"], base.trim());
    let red = sample.db_change(&["why", "schema-test-red", "--json"]).json();
    assert_eq!(red["proven"]["claims"], Value::from(vec!["users.phone holds a number"]));
    let again = sample.db_change(&["adopt", "0007_phone"]);
    assert!(again.code == 0 && again.stderr.contains("has its receipt"), "{}", again.stderr);

    sample.commit("proven");
    column(&sample, USERS, "name: text('name').notNull(),", "nickname");
    column(&sample, USERS, "name: text('name').notNull(),", "motto");
    sample
        .db_change(&[])
        .fails(1, &["2 migrations are not committed, and a run carries one: 0008_nickname, 0009_motto"]);
    sample.commit("two at once");
    sample
        .db_change(&["adopt"])
        .fails(4, &["brings several migrations, and a run carries one", "0008_nickname, 0009_motto"]);
}

#[test]
fn a_rename_that_the_database_has_already_goes_through_on_synthetic_rows() {
    let sample = Sample::new();
    sample.git(&["switch", "--quiet", "--create", "rename"]);
    sample.patch("rename/schema.patch");
    sample.patch("rename/code.patch");
    let mut terminal = Terminal::start(&bun(&sample, &["run", "db:generate", "--name", "email_address"]));
    terminal.asks("created or renamed", "\u{1b}[B");
    terminal.asks("❯ ~", "\r");
    assert_eq!(terminal.ends(), Some(0));
    sample.commit("email becomes email_address");
    migrate(&sample);
    let before = sample.content();

    let first = sample.db_change(&["adopt"]);
    let last = through(&sample, first, &mut |step, _| assert_eq!(step, "schema-test-scaffold"));
    is_proven(&sample, &last, "0007_email_address", before.applied.len() - 1);
    let findings = sample.db_change(&["why", "review"]).stdout;
    assert!(!findings.contains("live: "), "no row of before is there to ask: {findings}");
    assert_eq!(before.difference(&sample.content()), [] as [String; 0], "the development database");
}

#[test]
fn several_that_the_database_has_already_are_proven_one_at_a_time_on_synthetic_rows() {
    let sample = Sample::new();
    sample.git(&["switch", "--quiet", "--create", "two"]);
    column(&sample, USERS, "name: text('name').notNull(),", "phone");
    sample.commit("users have a phone");
    column(&sample, "packages/db/src/schema/workouts.ts", "title: text('title').notNull(),", "level");
    sample.commit("workouts have a level");
    migrate(&sample);
    let before = sample.content();

    let first = sample.db_change(&["adopt"]);
    assert!(first.stderr.contains("`0007_phone` goes first; then adopt again for 0008_level"), "{}", first.stderr);
    let last = through(&sample, first, &mut |step, _| panic!("{step}"));
    is_proven(&sample, &last, "0007_phone", before.applied.len() - 1);
    assert!(
        last.stdout.contains("tests passing (on synthetic rows: dev has the migration already)"),
        "{}",
        last.stdout
    );
    let markdown = sample.db_change(&["report", "--format", "md"]).stdout;
    assert!(markdown.contains("Proven on synthetic rows: `dev` had the migration before the run"), "{markdown}");
    let applied = sample.db_change(&["why", "apply"]).stdout;
    assert!(applied.contains("passed"), "{applied}");
    assert!(sample.read(USERS).contains("@migration 0007"), "the comment is given back to the work tree");
    for file in ["receipts/0007_phone.toml", "rollback_0007_phone.sql"] {
        assert!(sample.path(&format!("{DRIZZLE}/{file}")).exists(), "{file}");
    }
    sample.commit("the first is proven");

    let first = sample.db_change(&["adopt"]);
    let last = through(&sample, first, &mut |step, _| panic!("{step}"));
    is_proven(&sample, &last, "0008_level", before.applied.len() - 1);
    assert_eq!(before.difference(&sample.content()), [] as [String; 0], "the development database");
}

/// What the developer has done long ago.
fn migrate(sample: &Sample) {
    let ran = Ran::of(&bun(sample, &["run", "db:migrate"]));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

/// A program on a terminal of its own.
struct Terminal {
    session: Session,
    /// What was shown, and not looked at yet.
    screen: String,
}

impl Terminal {
    fn start(run: &Run) -> Terminal {
        Terminal { session: Session::start(run).unwrap(), screen: String::new() }
    }

    /// Waits for this on the screen, then types.
    #[track_caller]
    fn asks(&mut self, text: &str, keys: &str) {
        let begun = Instant::now();
        while !plain(&self.screen).contains(text) {
            match self.session.read(Duration::from_secs(1)).unwrap() {
                Read1::Bytes(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                Read1::Quiet if begun.elapsed().as_secs() < 120 => {}
                Read1::Quiet | Read1::Ended => panic!("`{text}` is not shown: {}", plain(&self.screen)),
            }
        }
        self.screen.clear();
        self.session.send(keys.as_bytes()).unwrap();
    }

    fn ends(mut self) -> Option<u32> {
        while !matches!(self.session.read(Duration::from_secs(120)).unwrap(), Read1::Ended) {}
        self.session.exit_code().unwrap()
    }
}

const ESCAPE: &str = "\u{1b}";

#[test]
fn an_idea_is_declared_by_answers_at_a_terminal_and_an_edit_confirmed_there() {
    let sample = Sample::new();
    let mut terminal = Terminal::start(&sample.command(&["db-change", "start"]));
    for (question, keys) in [
        ("What kind of change?", "Rename a col\r"),
        ("Which table?", "users\r"),
        ("Which column?", "email\r"),
        ("Its new name", "email_address\r"),
        ("Anything else", "n\r"),
        ("A few words for it", "Rename email\r"),
        ("--title \"Rename email\" --rename \"users.email=users.email_address\"", ""),
        ("A few words for the record", ESCAPE),
    ] {
        terminal.asks(question, keys);
    }
    assert_eq!(terminal.ends(), Some(3));
    assert_eq!(
        (&sample.status()["change"]["title"], &sample.status()["lane"]),
        (&"Rename email".into(), &"breaking".into())
    );
    let state = sample.read(".db-change/runs/rename-email-1/state.toml");
    assert!(state.contains("from = \"questions\"") && state.contains("kind = \"rename_column\""), "{state}");
    assert_eq!(sample.db_change(&["abort", "--reason", "another"]).code, 0);

    sample.edit(USERS, "name: text('name').notNull(),", "name: text('name').notNull().default('?'),");
    let mut terminal = Terminal::start(&sample.command(&["db-change", "--to", "declare"]));
    for (question, keys) in
        [("A few words for the record", "read\r"), ("Yes, this is the change", "\r"), ("Why?", "as I meant it\r")]
    {
        terminal.asks(question, keys);
    }
    assert_eq!(terminal.ends(), Some(0));
    let why = sample.db_change(&["why", "declare", "--json"]).json();
    assert_eq!((&why["status"], &why["answer"]["option"]), (&"passed".into(), &1.into()));
}

#[test]
fn an_idea_is_declared_by_a_file_and_what_was_inferred_and_denied_ends_the_run() {
    let sample = Sample::new();
    let file =
        "title = \"Titles\"\n[[operation]]\nkind = \"set_not_null\"\ntable = \"workouts\"\ncolumn = \"description\"\n";
    sample.write("change.toml", file);
    let ran = sample.db_change(&["start", "--change", "change.toml", "--to", "declare"]);
    assert_eq!(ran.code, 3, "the documents first");
    assert_eq!(sample.db_change(&["attest", "read-docs", "--by", "Ada", "--note", "read"]).code, 0);
    assert_eq!(sample.db_change(&["--to", "declare"]).code, 0, "what was declared is not asked");
    assert_eq!(sample.status()["change"]["title"], "Titles");
    assert_eq!(sample.db_change(&["abort", "--reason", "another"]).code, 0);
    std::fs::remove_file(sample.path("change.toml")).unwrap();

    sample.edit("packages/db/src/schema/exercises.ts", "equipment: text('equipment')", "gear: text('gear')");
    // drizzle-kit takes it for a new column where nobody says otherwise.
    let mut terminal = Terminal::start(&bun(&sample, &["run", "db:generate", "--name", "lost"]));
    terminal.asks("created or renamed", "\r");
    assert_eq!(terminal.ends(), Some(0));
    let asked = sample.db_change(&[]);
    let details = asked.json()["next"]["details"].to_string();
    assert_eq!(asked.code, 3);
    assert!(
        details.contains("exercises.equipment is dropped and exercises.gear added, which is no rename"),
        "{details}"
    );
    assert_eq!(sample.db_change(&["answer", "declare", "2", "--reason", "a rename was meant"]).code, 0);
    let ended = sample.db_change(&[]);
    assert!(ended.code == 0 && ended.stderr.contains("ended: reconsidered"), "{}", ended.stderr);
}
