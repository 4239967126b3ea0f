//! `db-change inventory` on the histories of `tests/histories`, which real drizzle-kits wrote (0.20, 0.21 and 0.31 with each prefix),
//! on what one wrong line makes of them, and against databases.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use xtask::actions;
use xtask::actions::survey::{Place, survey};
use xtask::actions::world::World;
use xtask::drizzle::journal::{self, Entry, Journal};
use xtask::pg::server::{Server, Settings};
use xtask::process::Run;
use xtask::process::tools::{self, Search, Wanted};
use xtask::state::Home;
use xtask::workflow;

use crate::sample::Sample;

const ORIGIN: &str = "00000000-0000-0000-0000-000000000000";

/// A copy of a history, in a folder that is no repo, on a machine that has no program at all.
struct History {
    folder: TempDir,
    env: BTreeMap<String, String>,
}

/// What was said of it.
struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

impl History {
    fn new(name: &str) -> History {
        let history = History { folder: tempfile::tempdir().unwrap(), env: BTreeMap::new() };
        copy(&histories().join(name), &history.out());
        history
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("drizzle")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.out().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    #[track_caller]
    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.read(name);
        assert!(text.contains(from), "`{from}` is not in {name}");
        self.write(name, &text.replacen(from, to, 1));
    }

    fn journal(&self) -> Journal {
        journal::load(&self.out()).unwrap()
    }

    fn entry(&self, place: usize) -> Entry {
        self.journal().entries[place].clone()
    }

    fn snapshot(&self, place: usize) -> String {
        let path = journal::snapshot_path(&self.out(), &self.entry(place));
        path.strip_prefix(self.out()).unwrap().display().to_string()
    }

    fn snapshot_text(&self, place: usize, key: &str) -> String {
        let snapshot: Value = serde_json::from_str(&self.read(&self.snapshot(place))).unwrap();
        snapshot[key].as_str().unwrap().to_owned()
    }

    fn inventory(&self, args: &[&str]) -> Said {
        let fixed = ["db-change", "inventory", "--migrations", "drizzle"];
        let mut run = Run::new(env!("CARGO_BIN_EXE_xtask"), self.folder.path()).args(fixed).args(args.iter().copied());
        run.env.clone_from(&self.env);
        run = run.env("PATH", "/nowhere").env("XDG_CACHE_HOME", "/nowhere");
        let output = run.run().unwrap();
        Said { code: output.code(), stdout: output.stdout, stderr: output.stderr }
    }

    /// The problems, and the kinds that were not judged.
    fn judged(&self) -> (Vec<(String, String)>, Vec<String>) {
        let said = self.inventory(&["--json"]);
        let json = said.json();
        let problems = pairs(&json["problems"], "kind", "migration");
        assert_eq!(said.code, i32::from(!problems.is_empty()), "{}{}", said.stdout, said.stderr);
        (problems, pairs(&json["not_judged"], "kind", "reason").into_iter().map(|(kind, _)| kind).collect())
    }

    #[track_caller]
    fn has(&self, what: &str, expected: &[(&str, &str)]) {
        let (problems, _) = self.judged();
        let found: Vec<(&str, &str)> = problems.iter().map(|(kind, of)| (kind.as_str(), of.as_str())).collect();
        assert_eq!(found, expected, "{what}");
    }
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }
}

fn pairs(list: &Value, one: &str, other: &str) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.as_array().unwrap().iter().map(|item| (text(&item[one]), text(&item[other]))).collect()
}

fn histories() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories")
}

fn names() -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(histories()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    names
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).map(drop).unwrap();
        }
    }
}

#[test]
fn a_sound_history_of_any_shape_has_no_problem_with_nothing_but_its_files() {
    let rest = ["edited_after_apply", "would_be_skipped", "schema_without_migration", "table_not_exported"];
    for name in names() {
        let (problems, not_judged) = History::new(&name).judged();
        assert_eq!(problems, [], "{name}");
        // `prefix: "none"` leaves no chain to judge.
        let chain: &[&str] = if name == "none" { &["missing_snapshot", "branched_snapshots"] } else { &[] };
        assert_eq!(not_judged, [chain, &rest].concat(), "{name}");
    }
}

#[test]
fn one_wrong_line_in_any_history_is_one_problem_of_its_kind() {
    for name in names().iter().filter(|name| *name != "none") {
        let broken = |mutate: &dyn Fn(&History), expected: &[(&str, &str)]| {
            let history = History::new(name);
            mutate(&history);
            history.has(name, expected);
        };
        let history = History::new(name);
        let (first, second) = (history.entry(0), history.entry(1));
        let tag = second.tag.as_str();
        broken(&|history| history.remove(&format!("{tag}.sql")), &[("missing_sql", tag)]);
        let when = |entry: &Entry| format!("\"when\": {}", entry.when);
        broken(&|history| history.edit("meta/_journal.json", &when(&second), &when(&first)), &[("out_of_order", tag)]);
        broken(&|history| history.edit("meta/_journal.json", "\"idx\": 1", "\"idx\": 0"), &[("duplicate_index", tag)]);
        broken(&|history| history.remove(&history.snapshot(0)), &[("missing_snapshot", &first.tag)]);
        let number = tag.split('_').next().unwrap();
        let stray = format!("{number}_other_branch");
        broken(&|history| history.write(&format!("{stray}.sql"), "SELECT 1;"), &[("duplicate_index", &stray)]);
        let snapshot = history.snapshot(1);
        let parent = history.snapshot_text(1, "prevId");
        broken(&|history| history.edit(&snapshot, &parent, ORIGIN), &[("branched_snapshots", tag)]);
        broken(&|history| history.edit(&snapshot, &parent, &ORIGIN.replace('0', "a")), &[("branched_snapshots", tag)]);
        broken(&|history| history.edit(&snapshot, "\"prevId\"", "<<<<<<< HEAD\n"), &[("missing_snapshot", tag)]);
        let left = |history: &History| history.write("meta/9999999999999999_snapshot.json", &history.read(&snapshot));
        broken(&left, &[("branched_snapshots", "")]);
    }
}

#[test]
fn the_chain_of_a_snapshot_that_is_too_old_to_compare_is_followed() {
    let history = History::new("version-5");
    for place in 0..3 {
        history.edit(&history.snapshot(place), "\"version\": \"5\"", "\"version\": \"4\"");
    }
    history.has("sound", &[]);
    let (parent, grandparent) = (history.snapshot_text(2, "prevId"), history.snapshot_text(1, "prevId"));
    history.edit(&history.snapshot(2), &parent, &grandparent);
    history.has("branched", &[("branched_snapshots", &history.entry(2).tag)]);
}

#[test]
fn the_last_snapshot_is_missed_only_where_generate_would_write_its_statements_again() {
    let history = History::new("version-6");
    history.remove(&history.snapshot(1));
    history.has("it adds a column", &[("missing_snapshot", &history.entry(1).tag)]);
    let sql = format!("{}.sql", history.entry(1).tag);
    history.write(&sql, "UPDATE users SET phone = '';");
    history.has("it writes rows", &[]);
    history.write(&sql, "DO $$ BEGIN CREATE TYPE mood AS ENUM ('fine'); END $$;");
    history.has("nobody can say what it does", &[("missing_snapshot", &history.entry(1).tag)]);
}

#[test]
fn a_snapshot_that_was_lost_before_the_next_migration_is_told_from_one_that_never_was() {
    let history = History::new("hand-written");
    history.write("0003_normalized.sql", "CREATE TABLE \"sent\" (\"to\" text);");
    history.has("a table that is not in the schema files", &[]);
    let note = history.read("0004_note.sql");
    history.write("0003_normalized.sql", &note);
    history.has("0004 adds the column once more", &[("missing_snapshot", "0003_normalized")]);
}

#[test]
fn a_prefix_that_sorts_before_the_older_ones_is_told_before_generate_goes_on_from_an_old_snapshot() {
    let history = History::new("timestamp");
    let (tag, snapshot) = (history.entry(2).tag, history.snapshot(2));
    history.edit("meta/_journal.json", &tag, "0002_backfill");
    fs::rename(history.path(&format!("{tag}.sql")), history.path("0002_backfill.sql")).unwrap();
    fs::rename(history.path(&snapshot), history.path("meta/0002_snapshot.json")).unwrap();
    history.has("index after timestamp", &[("branched_snapshots", "0002_backfill")]);
}

#[test]
fn what_is_no_migrations_folder_is_told_with_what_was_looked_for() {
    let history = History::new("index");
    let says = |code: i32, words: &[&str]| {
        let said = history.inventory(&[]);
        assert_eq!((said.code, said.stdout.as_str()), (code, ""), "{}", said.stderr);
        assert!(words.iter().all(|word| said.stderr.contains(word)), "{}", said.stderr);
    };
    history.edit("meta/_journal.json", "postgresql", "mysql");
    says(2, &["not for PostgreSQL", "mysql"]);
    history.write("meta/_journal.json", "{ \"version\": \"7\",\n<<<<<<< HEAD\n");
    says(2, &["merge conflict"]);
    history.remove("meta/_journal.json");
    says(2, &["no `meta/_journal.json`"]);
    fs::remove_dir_all(history.out()).unwrap();
    says(2, &["`drizzle` is not a folder", "--migrations DIR"]);
    copy(&histories().join("index"), &history.path("inner"));
    says(2, &["looked for `drizzle/meta/_journal.json`", "did you mean", "drizzle/inner"]);
}

#[test]
fn the_text_fits_80_columns_and_names_a_remedy_for_each_problem() {
    let history = History::new("index");
    history.remove("0001_phone.sql");
    history.remove("meta/0000_snapshot.json");
    let said = history.inventory(&[]);
    assert_eq!(said.code, 1);
    assert!(said.stdout.lines().all(|line| line.chars().count() <= 80), "{}", said.stdout);
    assert!(said.stdout.contains("\nmissing_sql: 0001_phone\n") && said.stdout.matches("remedy: ").count() == 2);
    assert!(said.stdout.contains("\nnot judged: edited_after_apply, would_be_skipped\n"), "{}", said.stdout);
    assert!(said.stderr.starts_with("error: `drizzle` has 2 problems"), "{}", said.stderr);
}

#[test]
fn the_rows_of_a_database_tell_what_was_edited_and_what_would_be_skipped() {
    let postgres = tools::postgres(&Wanted::default()).unwrap();
    let server = Server::start(&postgres, &Settings::default()).unwrap();
    server.create_database("db").unwrap();
    let mut client = server.connect("db").unwrap();
    let mut history = History::new("index");
    let kinds = ["edited_after_apply", "would_be_skipped"];
    let unjudged = |history: &History, words: &str| {
        let list = pairs(&history.inventory(&["--json"]).json()["not_judged"], "kind", "reason");
        let of = |kind: &str| list.iter().any(|(found, reason)| found == kind && reason.contains(words));
        assert!(kinds.iter().all(|kind| of(kind)), "{words}: {list:?}");
    };

    history.env.insert("DATABASE_URL".to_owned(), "postgres://a:secret@127.0.0.1:1/b".to_owned());
    unjudged(&history, "127.0.0.1:1");
    let said = history.inventory(&["--database-url", "postgres://a:secret@127.0.0.1:1/b"]);
    assert_eq!((said.code, said.stdout.as_str()), (6, ""));
    assert!(!said.stderr.contains("secret"), "{}", said.stderr);
    assert_eq!(history.inventory(&["--database-url", "mysql://x"]).code, 2);

    history.env.insert("DATABASE_URL".to_owned(), server.url("db"));
    unjudged(&history, "no table `drizzle.__drizzle_migrations`");
    let table = "create schema drizzle; create table drizzle.__drizzle_migrations
        (id serial primary key, hash text not null, created_at bigint)";
    client.batch_execute(table).unwrap();
    assert_eq!(history.inventory(&["--json"]).json()["pending"].as_array().unwrap().len(), 3);
    for entry in history.journal().entries {
        let hash = journal::hash(&history.out(), &entry).unwrap();
        let sql = "insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)";
        client.execute(sql, &[&hash, &entry.when]).unwrap();
    }
    let (problems, not_judged) = history.judged();
    assert_eq!((problems, not_judged.len()), (Vec::new(), 2), "only the schema is not judged");

    let text = history.read("0000_users.sql");
    history.write("0000_users.sql", &text.replace('\n', "\r\n"));
    history.has("other line ends", &[]);
    history.write("0000_users.sql", &(text.clone() + "-- edited\n"));
    history.has("edited", &[("edited_after_apply", "0000_users")]);
    history.write("0000_users.sql", &text);

    let when = history.entry(1).when;
    client.execute("delete from drizzle.__drizzle_migrations where created_at = $1", &[&when]).unwrap();
    history.has("older than the newest", &[("would_be_skipped", "0001_phone")]);
    client.execute("delete from drizzle.__drizzle_migrations where created_at > $1", &[&when]).unwrap();
    history.has("pending", &[]);

    let hash = journal::hash(&history.out(), &history.entry(1)).unwrap();
    let sql = "insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)";
    client.execute(sql, &[&hash, &(when - 1)]).unwrap();
    history.has("it would be applied again", &[("edited_after_apply", "0001_phone")]);
}

#[test]
fn in_a_repo_each_missing_thing_makes_only_its_own_kinds_not_judged() {
    let mut sample = Sample::new();
    let ask = |sample: &Sample, args: &[&str]| {
        let json = sample.db_change(&[&["inventory", "--json"], args].concat()).json();
        let kinds = |key: &str| pairs(&json[key], "kind", "message").into_iter().map(|(kind, _)| kind).collect();
        (kinds("problems"), kinds("not_judged"), json["migrations"].as_array().unwrap().len())
    };
    type Found = (Vec<String>, Vec<String>, usize);
    let nothing: Found = (Vec::new(), Vec::new(), 7);
    assert_eq!(ask(&sample, &[]), nothing);
    assert_eq!(ask(&sample, &["--migrations", "packages/db/drizzle"]), nothing);

    // The migrations table has the name that the config gives it.
    let mut client = sample.client();
    client.batch_execute("alter table drizzle.__drizzle_migrations rename to applied").unwrap();
    assert_eq!(ask(&sample, &[]).1, ["edited_after_apply", "would_be_skipped"]);
    let config = sample.read("packages/db/drizzle.config.ts");
    sample.edit("packages/db/drizzle.config.ts", "dialect:", "migrations: { table: 'applied' },\n  dialect:");
    assert_eq!(ask(&sample, &[]), nothing);
    sample.write("packages/db/drizzle.config.ts", &config);
    client.batch_execute("alter table drizzle.applied rename to __drizzle_migrations").unwrap();

    sample.patch("phone/schema.patch");
    assert_eq!(ask(&sample, &[]).0, ["schema_without_migration"]);
    sample.env.remove("DATABASE_URL");
    let (problems, not_judged, _) = ask(&sample, &[]);
    assert_eq!(problems, ["schema_without_migration"]);
    assert_eq!(not_judged, ["edited_after_apply", "would_be_skipped"]);

    // bun is there wherever these tests run, so it is told that it is not.
    let root = sample.root();
    let loaded = workflow::load(&root.join("workflows/db-change.toml"), &actions::catalogue()).unwrap();
    let world = World::new(&root, &loaded, Home::at(&root).run("none"), "");
    let tools = Search { pg_bin: None, installed: Vec::new(), path: String::new(), cache: "/nowhere".into() };
    let url = sample.shared.server.url(&sample.database);
    let database_url = Some(url.as_str());
    let found = survey(&Place { root: &root, migrations: None, database_url, tools, world: Some(&world) }).unwrap();
    let kinds: Vec<&str> = found.findings.not_judged.iter().map(|kind| kind.kind.as_str()).collect();
    assert_eq!(kinds, ["schema_without_migration", "table_not_exported"]);
    assert_eq!((found.findings.problems.len(), found.migrations.len(), found.applied.len()), (0, 7, 7));
}
