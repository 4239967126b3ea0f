//! `cargo xtask review` through the program itself: on any files, in any folder, with and without git, a workflow file, a database.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use xtask::drizzle::journal;
use xtask::pg::server::{Server, Settings};
use xtask::process::Run;
use xtask::process::tools;
use xtask::review::Transaction;
use xtask::review::files::{Wanted, choose};

use crate::harness::{Done, Repo};

/// A folder that is no repo, on a machine without any other program.
struct Folder {
    folder: TempDir,
    env: BTreeMap<String, String>,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder { folder: tempfile::tempdir().unwrap(), env: BTreeMap::new() };
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    fn review(&self, args: &[&str]) -> Done {
        let mut run =
            Run::new(env!("CARGO_BIN_EXE_xtask"), self.folder.path()).args(["review"]).args(args.iter().copied());
        run.env.clone_from(&self.env);
        let output = run.env("PATH", "/nowhere").env("XDG_CACHE_HOME", "/nowhere").run().unwrap();
        Done { code: output.code(), stdout: output.stdout, stderr: output.stderr }
    }

    #[track_caller]
    fn found(&self, args: &[&str]) -> Vec<String> {
        found(&self.review(&[args, &["--format", "json"]].concat()))
    }
}

/// `file:line id severity`, with `accepted` where it is; without notes on statements.
#[track_caller]
fn found(done: &Done) -> Vec<String> {
    let report = json(done);
    let word = |finding: &Value| {
        let text = |key: &str| finding[key].as_str().unwrap().to_owned();
        let accepted = if finding["accepted"].is_null() { "" } else { " accepted" };
        format!("{}:{} {} {}{accepted}", text("file"), finding["line"], text("id"), text("severity"))
    };
    let counts = |finding: &&Value| finding["severity"] != "note" || finding["id"] == "suppression";
    report["findings"].as_array().unwrap().iter().filter(counts).map(word).collect()
}

#[track_caller]
fn json(done: &Done) -> Value {
    serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}\n{}", done.stdout, done.stderr))
}

#[track_caller]
fn files(done: &Done) -> Vec<String> {
    let report = json(done);
    report["files"].as_array().unwrap().iter().map(|file| file["file"].as_str().unwrap().to_owned()).collect()
}

const RENAME: &str = "ALTER TABLE users RENAME COLUMN email TO mail;\n";

#[test]
fn each_format_is_alone_on_stdout_and_says_the_same_findings() {
    let folder = Folder::new(&[("a b/ä.sql", &format!("SELECT 1;\n{RENAME}DROP TABLE old;\n"))]);
    let ran = |format: &str| folder.review(&["a b", "--format", format]).expect(1);
    let text = ran("text").says(&["1 error that nobody accepted", "-- db-change: accept H10 reason"]);
    assert!(text.stdout.starts_with("error[H10]: renames column users.email to mail"), "{}", text.stdout);
    assert!(text.stdout.contains("\n  --> a b/ä.sql:2:1\n") && text.stdout.contains("statements: 1 error, 1 warning"));

    assert_eq!(found(&ran("json")), ["a b/ä.sql:2 H10 error", "a b/ä.sql:3 H01 warning"]);

    let schema = include_str!("../sarif/schema.json").replace("{2}]?$", r"{2}\\]?$");
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
    let sarif = json(&ran("sarif"));
    let wrong: Vec<String> = validator.iter_errors(&sarif).map(|error| error.to_string()).collect();
    assert_eq!(wrong, [""; 0]);
    let rules = &sarif["runs"][0]["tool"]["driver"]["rules"];
    assert_eq!(rules[0]["shortDescription"]["text"], "a table is dropped");
    assert!(rules[0]["properties"]["aka"].as_array().unwrap().contains(&"squawk: ban-drop-table".into()), "{rules}");
    let uri = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, "a%20b/%C3%A4.sql");

    let github = ran("github");
    let commands: Vec<&str> =
        github.stdout.lines().filter_map(|line| line.split_once(" file=")).map(|(c, _)| c).collect();
    assert_eq!(
        commands.iter().filter(|command| **command != "::notice").collect::<Vec<_>>(),
        [&"::error", &"::warning"]
    );
    assert!(github.stdout.contains("::error file=a b/ä.sql,line=2,"), "{}", github.stdout);
}

#[test]
fn warnings_leave_the_exit_code_and_what_is_no_input_is_told_as_that() {
    let folder = Folder::new(&[("a.sql", "DROP TABLE old;"), ("empty/readme.md", ""), ("back/1_a.down.sql", RENAME)]);
    folder.write("binary.sql", b"SELECT 1;\n\0\x01");
    folder.write("latin.sql", b"SELECT 'caf\xe9';\n");
    folder.write("wide.sql", b"\xff\xfeS\0E\0");
    folder.write("node_modules/a/b.sql", RENAME);
    folder.write("marked.sql", "\u{feff}DROP TABLE old;");
    assert_eq!(folder.found(&["[am]*.sql", "marked.sql"]), ["a.sql:1 H01 warning", "marked.sql:1 H01 warning"]);
    folder.review(&["**/b.sql"]).expect(2).says(&["no SQL file matches `**/b.sql`"]);
    let cases: &[(&[&str], &str)] = &[
        (&[], "there is no `workflows/db-change.toml`"),
        (&["empty"], "nothing to review: there is no SQL file in `empty`"),
        (&["back"], "files that take a change back"),
        (&["no.sql"], "there is no `no.sql`"),
        (&["a.sql", "x/*.sql"], "no SQL file matches `x/*.sql`"),
        (&["binary.sql"], "`binary.sql` is not a file of text: byte 11 is zero"),
        (&["latin.sql"], "byte 12 is not UTF-8"),
        (&["wide.sql"], "begins as UTF-16 does"),
        (&["--changed", "main...HEAD"], "needs a git repository"),
        (&["a.sql", "--baseline", "no"], "cannot read the baseline `no`"),
        (&["a.sql", "--database-url", "mysql://x"], "does not start with `postgres://`"),
        (&["a.sql", "--format", "xml"], "possible values: text, json, sarif, github"),
        (&["--explain", "H999"], "there is no hazard `H999`"),
        (&["a.sql", "--list"], "cannot be used with"),
    ];
    for (args, words) in cases {
        let done = folder.review(args).expect(2).says(&[words]);
        assert_eq!(done.stdout, "", "{args:?}");
    }
    let done = folder.review(&["a.sql", "--database-url", "postgres://a:secret@127.0.0.1:1/b"]).expect(6);
    assert!(!done.stderr.contains("secret") && done.stderr.contains("127.0.0.1:1"), "{}", done.stderr);
}

#[test]
fn a_file_with_a_syntax_error_is_an_error_that_nothing_accepts_and_the_others_are_still_judged() {
    let broken = "-- db-change: accept H01 scope=file reason=\"x\"\nDROP TABLE a;\nALTER TABEL users ADD x int;\n";
    let folder = Folder::new(&[("1.sql", broken), ("2.sql", RENAME)]);
    let done = folder.review(&[".", "--write-baseline", "base", "--format", "json"]).expect(1);
    let all = found(&done);
    assert!(all.contains(&"1.sql:2 H01 warning accepted".to_owned()), "{all:?}");
    assert!(all.iter().any(|word| word.starts_with("1.sql:3 syntax error")), "{all:?}");
    assert!(all.contains(&"2.sql:1 H10 error accepted".to_owned()), "{all:?}");
}

#[test]
fn a_comment_accepts_its_statement_and_one_of_no_use_or_out_of_date_is_told() {
    let accept = |more: &str| format!("-- db-change: accept H10 {more}reason=\"deployed together\"\n{RENAME}");
    let folder = Folder::new(&[]);
    let ran = |sql: &str| {
        folder.write("a.sql", sql);
        folder.review(&["a.sql", "--format", "json"])
    };
    assert_eq!(found(&ran(&accept("")).expect(0)), ["a.sql:2 H10 error accepted"]);
    assert_eq!(found(&ran(&accept("until=2099-12-31 ")).expect(0)), ["a.sql:2 H10 error accepted"]);
    let expired = ["a.sql:1 suppression error", "a.sql:2 H10 error"];
    assert_eq!(found(&ran(&accept("until=2020-01-31 ")).expect(1)), expired);
    let unused = accept("").replace("H10", "H10, H02");
    assert_eq!(found(&ran(&unused).expect(0)), ["a.sql:1 suppression warning", "a.sql:2 H10 error accepted"]);
    assert_eq!(found(&ran(&accept("").replace("reason=", "because=")).expect(1))[0], "a.sql:1 suppression error");
    let behind_back = format!("-- migrate:up\n{RENAME}-- migrate:down\n{}", accept(""));
    assert_eq!(found(&ran(&behind_back).expect(1)), ["a.sql:2 H10 error"], "what is not run is not looked at");
}

#[test]
fn the_workflow_file_accepts_by_rule_and_scope_and_names_the_folder() {
    let repo = Repo::new();
    let head = "schema = \"1.0\"\nname = \"db-change\"\n\n[vars]\nmigrations_dir = \"db/drizzle\"\n\n";
    let steps = "[[phase]]\nid = \"a\"\ntitle = \"A\"\n[[phase.step]]\nid = \"a\"\ntitle = \"A\"\nrun = [\"true\"]\n";
    let workflow = |accept: &str| {
        let entry = format!("[[accept]]\nrule = \"H10\"\nreason = \"deployed together\"\n{accept}\n");
        repo.write("workflows/db-change.toml", &format!("{head}{entry}{steps}"));
        repo.xtask(&["review", "--format", "json"]).cwd(repo.path("db")).run()
    };
    let entry =
        |n: u32| format!("{{\"idx\":{n},\"version\":\"7\",\"when\":{n},\"tag\":\"000{n}_a\",\"breakpoints\":true}}");
    let journal = format!("{{\"version\":\"7\",\"dialect\":\"postgresql\",\"entries\":[{},{}]}}", entry(0), entry(1));
    repo.write("db/drizzle/meta/_journal.json", &journal);
    repo.write("db/drizzle/0000_a.sql", RENAME);
    repo.write("db/drizzle/0001_a.sql", "ALTER TABLE users RENAME COLUMN mail TO post;");
    repo.write("db/drizzle/rollback_0001_a.sql", "DROP TABLE users;");
    let both = ["drizzle/0000_a.sql:1 H10 error accepted", "drizzle/0001_a.sql:1 H10 error accepted"];
    for scope in ["", "scope = \"db/drizzle\"", "scope = \"db/**/*.sql\"\nuntil = \"2099-01-01\""] {
        assert_eq!(found(&workflow(scope).expect(0)), both, "{scope}");
    }
    let report = json(&workflow(""));
    let accepted = &report["findings"][0]["accepted"];
    assert_eq!(
        (&accepted["place"], &accepted["reason"]),
        (&"workflows/db-change.toml:8".into(), &"deployed together".into())
    );
    let one = found(&workflow("scope = \"db/drizzle/0000_*\"").expect(1));
    assert_eq!(one, ["drizzle/0000_a.sql:1 H10 error accepted", "drizzle/0001_a.sql:1 H10 error"]);
    let expired = found(&workflow("until = \"2020-01-01\"").expect(1));
    assert_eq!(expired.iter().filter(|word| word.ends_with("suppression error")).count(), 1, "{expired:?}");
    workflow("scope = \"db\"\nuntill = \"2020-01-01\"")
        .expect(2)
        .says(&["unknown field `untill`", "did you mean `until`"]);
    workflow("until = \"soon\"").expect(2).says(&["`soon` is not a day", "db-change.toml:10"]);
}

#[test]
fn a_baseline_accepts_what_was_there_and_nothing_that_came_or_changed() {
    let folder = Folder::new(&[("db/1.sql", RENAME), ("notes", "mine")]);
    let ran = |args: &[&str]| folder.review(&[&["db", "--format", "json"], args].concat());
    ran(&["--write-baseline", "notes"]).expect(2).says(&["`notes` is not a baseline"]);
    assert_eq!(fs::read_to_string(folder.path("notes")).unwrap(), "mine");
    ran(&["--write-baseline", "base"]).expect(0).says(&["written to `base`"]);
    let written = fs::read_to_string(folder.path("base")).unwrap();
    ran(&["--write-baseline", "base"]).expect(0);
    assert_eq!(fs::read_to_string(folder.path("base")).unwrap(), written);

    folder.write("db/1.sql", format!("-- moved\n\n{}", RENAME.replace(' ', "  ")));
    assert_eq!(found(&ran(&["--baseline", "base"]).expect(0)), ["db/1.sql:3 H10 error accepted"]);
    folder.write("db/2.sql", "ALTER TABLE users RENAME COLUMN mail TO email;");
    assert_eq!(
        found(&ran(&["--baseline", "base"]).expect(1)),
        ["db/1.sql:3 H10 error accepted", "db/2.sql:1 H10 error"]
    );
    folder.write("db/1.sql", "SELECT 1;");
    fs::remove_file(folder.path("db/2.sql")).unwrap();
    let mut stale = found(&ran(&["--baseline", "base"]).expect(0));
    stale.dedup();
    assert_eq!(stale, ["db/1.sql:1 suppression note"]);
    folder.write("base", "H10 1234 db/1.sql\n");
    ran(&["--baseline", "base"]).expect(2).says(&["line 1 is no `id statement path`"]);
}

#[test]
fn a_git_range_means_the_sql_that_it_adds_or_changes_as_it_is_at_its_end() {
    let repo = Repo::new();
    repo.write("db/1_a.sql", "CREATE TABLE users (email text);");
    repo.write("db/2_b.sql", "SELECT 1;");
    repo.write("db/3_c.sql", RENAME);
    repo.commit("before");
    repo.git(&["tag", "before"]);
    let ran = |args: &[&str]| repo.xtask(&[&["review", "--format", "json"], args].concat()).run();
    ran(&["--changed", "before..HEAD"])
        .expect(2)
        .says(&["nothing to review: `before..HEAD` adds or changes no SQL file"]);

    repo.git(&["checkout", "--quiet", "-b", "mine"]);
    repo.write("db/2_b.sql", "DROP TABLE users;");
    repo.write("db/4 ä.sql", RENAME);
    repo.write("db/5_e.down.sql", RENAME);
    repo.write("app.ts", "");
    repo.remove("db/3_c.sql");
    repo.commit("mine");
    let mine = ["db/2_b.sql:1 H01 warning", "db/4 ä.sql:1 H10 error"];
    assert_eq!(found(&ran(&["--changed", "before..mine"]).expect(1)), mine);
    assert_eq!(found(&ran(&["--changed", "before"]).expect(1)), mine);
    assert_eq!(found(&ran(&["--changed", "before..mine", "db/2_b.sql"]).expect(0)), mine[..1]);

    // The base went on, and the work tree is the base's: neither is a matter of the branch.
    repo.git(&["checkout", "--quiet", "main"]);
    repo.write("db/6_f.sql", RENAME);
    repo.commit("main goes on");
    repo.write("db/2_b.sql", "an edit that is not committed");
    assert_eq!(found(&ran(&["--changed", "main...mine"]).expect(1)), mine);

    // Neither is the journal of a branch that is not checked out.
    let journal = |entries: &str| format!("{{\"version\":\"7\",\"dialect\":\"postgresql\",\"entries\":[{entries}]}}");
    repo.write("drizzle/meta/_journal.json", &journal(""));
    repo.commit("a journal");
    repo.git(&["checkout", "--quiet", "-b", "theirs"]);
    repo.write("drizzle/meta/_journal.json", &journal("{\"idx\":0,\"when\":1,\"tag\":\"0000_a\"}"));
    repo.write("drizzle/0000_a.sql", RENAME);
    repo.commit("theirs");
    repo.git(&["checkout", "--quiet", "main"]);
    let theirs = ran(&["--changed", "main...theirs"]).expect(1).says(&["the work tree does not hold 1", "drizzle-orm"]);
    assert_eq!(found(&theirs), ["drizzle/0000_a.sql:1 H10 error"]);

    ran(&["--changed", "gone..HEAD"]).expect(2).says(&["there is no commit `gone`", "git fetch"]);
    ran(&["--changed", &format!("{}..HEAD", "0".repeat(40))]).expect(2).says(&["a branch's first push"]);
    ran(&["--changed", "--output=x..HEAD"]).expect(2);
    assert!(!repo.path("x").exists());
}

#[test]
fn the_way_back_is_left_out_and_files_run_in_the_order_of_their_program() {
    let add = "ALTER TABLE t ADD COLUMN a int;";
    let folder = Folder::new(&[
        ("prisma/20260102000000_b/migration.sql", RENAME),
        ("prisma/20260102000000_b/down.sql", "DROP TABLE x;"),
        ("prisma/20260101000000_a/migration.sql", add),
        ("prisma/migration_lock.toml", "provider = \"postgresql\"\n"),
        ("flyway/V10__b.sql", RENAME),
        ("flyway/V2__a.sql", add),
        ("flyway/U10__b.sql", "DROP TABLE x;"),
        ("flyway/R__view.sql", "SELECT 1;"),
        ("sqlx/Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n"),
        ("sqlx/migrations/10_b.up.sql", RENAME),
        ("sqlx/migrations/9_a.up.sql", add),
        ("sqlx/migrations/9_a.down.sql", "DROP TABLE x;"),
        ("go/000010_b.up.sql", RENAME),
        ("go/000010_b.down.sql", "DROP TABLE x;"),
        ("dbmate/2_b.sql", &format!("-- migrate:up\n{RENAME}-- migrate:down\nDROP TABLE x;\n")),
        ("goose/2_b.sql", &format!("-- +goose Up\n{RENAME}-- +goose Down\nDROP TABLE x;\n")),
        ("diesel/2026-01-01_a/up.sql", RENAME),
        ("diesel/2026-01-01_a/down.sql", "DROP TABLE x;"),
        ("mysql/migration_lock.toml", "provider = \"mysql\"\n"),
        ("mysql/20260101000000_a/migration.sql", add),
    ]);
    let cases: &[(&str, &str, &[&str])] = &[
        ("prisma", "Prisma", &["20260101000000_a/migration.sql", "20260102000000_b/migration.sql"]),
        ("flyway", "Flyway", &["V2__a.sql", "V10__b.sql", "R__view.sql"]),
        ("sqlx", "sqlx", &["migrations/9_a.up.sql", "migrations/10_b.up.sql"]),
        ("go", "golang-migrate", &["000010_b.up.sql"]),
        ("dbmate", "dbmate", &["2_b.sql"]),
        ("goose", "goose", &["2_b.sql"]),
        ("diesel", "Diesel", &["2026-01-01_a/up.sql"]),
    ];
    for (name, program, names) in cases {
        let done = folder.review(&[name, "--format", "json"]).expect(1).says(&[program]);
        let expected: Vec<String> = names.iter().map(|file| format!("{name}/{file}")).collect();
        assert_eq!(files(&done), expected);
        let found = found(&done);
        assert!(found.len() == 1 && found[0].contains(" H10 error"), "{name}: {found:?}");
    }
    folder.review(&["mysql"]).expect(2).says(&["`mysql` is not for PostgreSQL, but for mysql"]);
    let named = folder.found(&["go/000010_b.down.sql"]);
    assert_eq!(named, ["go/000010_b.down.sql:1 H01 warning"]);
}

#[test]
fn each_program_has_its_transaction_and_a_file_that_says_so_has_none() {
    use Transaction::{File, Own, Set};
    let index = "CREATE INDEX CONCURRENTLY i ON t (a);\n";
    let two = &format!("SET lock_timeout = '1s';\n{index}");
    let up = |head: &str, sql: &str| format!("{head}\n{sql}");
    let goose = "-- +goose NO TRANSACTION\n-- +goose Up";
    let cases: &[(&str, &str, Transaction)] = &[
        ("a.sql", two, Own),
        ("drizzle/0000_a.sql", index, Set),
        ("drizzle1/20260101000000_a/migration.sql", index, Set),
        ("prisma/20260101000000_a/migration.sql", index, Own),
        ("prisma/20260101000000_b/migration.sql", two, File),
        ("prisma7/20260101000000_b/migration.sql", two, Own),
        ("flyway/V1__a.sql", index, Own),
        ("flyway/V2__a.sql", two, File),
        ("flyway/V3__a.sql", "SELECT 1;", File),
        ("goose/1_a.sql", &up("-- +goose Up", index), File),
        ("goose/2_a.sql", &up(goose, two), Own),
        ("dbmate/1_a.sql", &up("-- migrate:up", index), File),
        ("dbmate/2_a.sql", &up("-- migrate:up transaction:false", index), Own),
        ("dbmate/3_a.sql", &up("-- migrate:up transaction:false", two), File),
        ("sqlx/migrations/1_a.sql", index, File),
        ("sqlx/migrations/2_a.sql", &up("-- no-transaction", index), Own),
        ("go/1_a.up.sql", index, Own),
        ("go/2_a.up.sql", two, File),
        ("diesel/1_a/up.sql", index, File),
        ("diesel/2_a/up.sql", index, Own),
    ];
    let folder = Folder::new(&[
        ("sqlx/Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n"),
        ("diesel/2_a/metadata.toml", "run_in_transaction = false\n"),
        ("drizzle1/20260101000000_a/snapshot.json", "{}"),
        ("prisma7/node_modules/prisma/package.json", "{\"version\":\"7.4.0\"}"),
    ]);
    let entry = "{\"idx\":0,\"version\":\"7\",\"when\":1,\"tag\":\"0000_a\",\"breakpoints\":true}";
    folder.write(
        "drizzle/meta/_journal.json",
        format!("{{\"version\":\"7\",\"dialect\":\"postgresql\",\"entries\":[{entry}]}}"),
    );
    cases.iter().for_each(|(name, sql, _)| folder.write(name, sql));
    let paths: Vec<PathBuf> = cases.iter().map(|(name, ..)| PathBuf::from(name)).collect();
    let (parts, _) = choose(&Wanted { here: folder.folder.path(), paths: &paths, changed: None }).unwrap();
    let sources = parts.into_iter().flat_map(|part| part.set(None).files);
    let found: BTreeMap<PathBuf, Transaction> = sources.map(|source| (source.path, source.transaction)).collect();
    assert_eq!(found.len(), cases.len());
    for (name, _, transaction) in cases {
        assert_eq!(found[Path::new(name)], *transaction, "{name}");
    }
}

#[test]
fn what_no_transaction_may_hold_is_an_error_where_the_program_opens_one() {
    let index = "CREATE INDEX CONCURRENTLY i ON t (a);\n";
    let folder = Folder::new(&[
        ("a.sql", &format!("SET lock_timeout = '1s';\n{index}")),
        ("V1__a.sql", index),
        ("V2__a.sql", &format!("ALTER TABLE t ADD COLUMN a int;\n{index}")),
        ("1_a.sql", &format!("-- +goose Up\n{index}")),
        ("2_a.sql", &format!("-- +goose NO TRANSACTION\n-- +goose Up\n{index}")),
    ]);
    for (name, refused) in
        [("a.sql", false), ("V1__a.sql", false), ("V2__a.sql", true), ("1_a.sql", true), ("2_a.sql", false)]
    {
        let found = folder.found(&[name]);
        assert_eq!(found.iter().any(|word| word.ends_with(" H63 error")), refused, "{name}: {found:?}");
    }
}

#[test]
fn what_the_files_before_made_is_known_and_is_not_new() {
    let folder = Folder::new(&[
        ("db/1_a.sql", "CREATE TABLE users (email varchar(9) NOT NULL);"),
        ("db/2_b.sql", "ALTER TABLE users DROP COLUMN email;"),
        ("any/1.sql", "CREATE TABLE users (email varchar(9) NOT NULL); DROP TABLE users;"),
    ]);
    let dropped = ["db/2_b.sql:1 H02 warning"];
    for paths in [&["db/2_b.sql"][..], &["db"], &["db/1_a.sql", "db/2_b.sql"]] {
        let done = folder.review(&[paths, &["--format", "json"]].concat()).expect(0);
        assert_eq!(found(&done), dropped, "{paths:?}");
        assert!(json(&done)["findings"][0]["sql"].to_string().contains("DROP NOT NULL"), "its table is known");
    }
    assert_eq!(folder.found(&["any"]), [""; 0]);
}

fn histories() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories")
}

#[test]
fn a_live_database_decides_and_what_it_has_already_is_left_out() {
    let postgres = tools::postgres(&tools::Wanted::default()).unwrap();
    let server = Server::start(&postgres, &Settings::default()).unwrap();
    server.create_database("shop").unwrap();
    let mut client = server.connect("shop").unwrap();
    let set_up = "create role \"re@der\" login password 'p@/#%''w'; grant pg_read_all_data to \"re@der\";
        create table users (email text not null, phone text); insert into users values ('a@example.test', null);
        create schema drizzle; create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint);";
    client.batch_execute(set_up).unwrap();
    let password = "p%40%2F%23%25%27w";
    let url = format!("postgres://re%40der:{password}@127.0.0.1:{}/shop", server.port());

    let folder =
        Folder::new(&[("a.sql", "ALTER TABLE users DROP COLUMN phone;\nALTER TABLE users DROP COLUMN email;\n")]);
    let done = folder.review(&["a.sql", "--format", "json", "--database-url", &url]).expect(1);
    assert_eq!(found(&done), ["a.sql:1 H02 warning", "a.sql:2 H02 error"]);
    let report = json(&done);
    assert_eq!(report["asked"], "shop on 127.0.0.1");
    let of_the_email = |finding: &&Value| finding["line"] == 2 && finding["id"] == "H02";
    let decided = &report["findings"].as_array().unwrap().iter().find(of_the_email).unwrap()["decided_by"];
    assert_eq!(decided["kind"], "live", "{decided}");
    let detail = decided["detail"].as_str().unwrap();
    assert!(detail.starts_with("shop on 127.0.0.1 (1 values of 1 rows, "), "{detail}");
    for secret in [password, "p@/#", "a@example"] {
        assert!(!done.stdout.contains(secret) && !done.stderr.contains(secret), "{secret}");
    }
    let wrong = folder.review(&["a.sql", "--database-url", &url.replace("%27w", "x")]).expect(6);
    assert!(wrong.stderr.contains("refuses the password") && !wrong.stderr.contains("p%40"), "{}", wrong.stderr);

    // A folder of Drizzle's: by its own migrations table, unless a file is named.
    let out = folder.path("drizzle");
    fs::create_dir_all(out.join("meta")).unwrap();
    for name in
        ["meta/_journal.json", "meta/0000_snapshot.json", "0000_users.sql", "0001_phone.sql", "0002_backfill.sql"]
    {
        fs::copy(histories().join("index").join(name), out.join(name)).unwrap();
    }
    folder.write("drizzle/0002_backfill.sql", "ALTER TABLE users DROP COLUMN phone;");
    let ran = |paths: &[&str]| folder.review(&[paths, &["--format", "json", "--database-url", &url]].concat());
    assert_eq!(files(&ran(&["drizzle"]).expect(0)).len(), 3);
    let entries = journal::load(&out).unwrap().entries;
    let mut apply = |place: usize| {
        let hash = journal::hash(&out, &entries[place]).unwrap();
        let sql = "insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)";
        client.execute(sql, &[&hash, &entries[place].when]).unwrap();
    };
    apply(0);
    apply(1);
    let done = ran(&["drizzle"])
        .expect(0)
        .says(&["has 2 of 3 migrations already: not reviewed", "all pending files in one transaction"]);
    assert_eq!(found(&done), ["drizzle/0002_backfill.sql:1 H02 warning"]);
    let named = ran(&["drizzle/0001_phone.sql"]).expect(0).says(&["has `0001_phone.sql` already"]);
    assert_eq!(files(&named), ["drizzle/0001_phone.sql"]);
    apply(2);
    let done = ran(&["drizzle"]).expect(0).says(&["has 3 of 3 migrations already"]);
    assert_eq!(files(&done), [""; 0]);
    // With a workflow, production is asked by its own name, where its variable is set.
    let workflow = "schema = \"1.0\"\nname = \"db-change\"\n[target.production]\nurl_env = \"PROD\"\nrole = \"production\"\n[[phase]]\nid = \"a\"\ntitle = \"A\"\n[[phase.step]]\nid = \"a\"\ntitle = \"A\"\nrun = [\"true\"]\n";
    folder.write("workflows/db-change.toml", workflow);
    let mut folder = folder;
    assert_eq!(json(&folder.review(&["a.sql", "--format", "json"]))["asked"], Value::Null);
    folder.env.insert("PROD".to_owned(), url.clone());
    let text = folder.review(&["a.sql"]).expect(1).stdout;
    assert!(text.contains("decided by: live production (1 values of 1 rows, "), "{text}");
}

#[test]
fn a_drizzle_history_is_read_whole_or_not_at_all() {
    let folder = Folder::new(&[]);
    for name in ["index", "version-5"] {
        let out = folder.path(name);
        fs::create_dir_all(out.join("meta")).unwrap();
        for entry in glob_sql(&histories().join(name)) {
            fs::copy(&entry, out.join(entry.file_name().unwrap())).unwrap();
        }
        for entry in fs::read_dir(histories().join(name).join("meta")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), out.join("meta").join(entry.file_name())).unwrap();
        }
        assert_eq!(files(&folder.review(&[name, "--format", "json"]).expect(0)).len(), 3, "{name}");
    }
    folder.write("index/0003_stray.sql", "DROP TABLE users;");
    let done = folder.review(&["index", "--format", "json"]).expect(0).says(&["in no journal", "index/0003_stray.sql"]);
    assert_eq!(files(&done).len(), 3);
    let named = folder.review(&["index/0003_stray.sql", "--format", "json"]).expect(0).says(&["taken as psql"]);
    assert_eq!(found(&named), ["index/0003_stray.sql:1 H01 warning"]);
    fs::remove_file(folder.path("index/0001_phone.sql")).unwrap();
    folder.review(&["index"]).expect(2).says(&["the journal names `index/0001_phone.sql`"]);
    folder.write("index/meta/_journal.json", "{ \"dialect\": \"sqlite\", \"entries\": [] }");
    folder.review(&["index"]).expect(2).says(&["`index` is not for PostgreSQL, but for sqlite"]);
}

fn glob_sql(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|ending| ending == "sql")).collect()
}

#[test]
fn each_hazard_is_explained_by_its_id_and_by_what_others_call_it() {
    let folder = Folder::new(&[]);
    let list = folder.review(&["--list"]).expect(0).stdout;
    assert!(list.lines().count() >= 20 && list.contains("H10  breaks_code   a column is renamed\n"), "{list}");
    for line in list.lines() {
        let id = line.split_whitespace().next().unwrap();
        let page = folder.review(&["--explain", id]).expect(0).stdout;
        assert!(page.starts_with(&format!("{id} ")) && page.contains("safe way: "), "{page}");
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    }
    let own = folder.review(&["--explain", "h02"]).expect(0).stdout;
    assert_eq!(folder.review(&["--explain", "ban-drop-column"]).expect(0).stdout, own);
    folder.review(&["--explain", "ban-drop-colum"]).expect(2).says(&["did you mean `ban-drop-column`"]);
}
