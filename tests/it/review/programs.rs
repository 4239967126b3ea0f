//! Which files are taken, and how the program runs them that they are written for: order, way back, transaction.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use xtask::review::Transaction;
use xtask::review::files::{Wanted, choose};

use super::{Folder, RENAME, files, found, json};
use crate::harness::Repo;

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
    repo.write("db/2_b.sql", "DROP TABLE old;");
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
    use Transaction::{File, Message, Own, Set};
    let index = "CREATE INDEX CONCURRENTLY i ON t (a);\n";
    let two = &format!("SET lock_timeout = '1s';\n{index}");
    let up = |head: &str, sql: &str| format!("{head}\n{sql}");
    let goose = "-- +goose NO TRANSACTION\n-- +goose Up";
    let cases: &[(&str, &str, Transaction)] = &[
        ("a.sql", two, Own),
        ("drizzle/0000_a.sql", index, Set),
        ("drizzle1/20260101000000_a/migration.sql", index, Set),
        ("prisma/20260101000000_a/migration.sql", index, Own),
        ("prisma/20260101000000_b/migration.sql", two, Message),
        ("prisma7/20260101000000_b/migration.sql", two, Own),
        ("flyway/V1__a.sql", index, Own),
        ("flyway/V2__a.sql", two, File),
        ("flyway/V3__a.sql", "SELECT 1;", File),
        ("goose/1_a.sql", &up("-- +goose Up", index), File),
        ("goose/2_a.sql", &up(goose, two), Own),
        ("dbmate/1_a.sql", &up("-- migrate:up", index), File),
        ("dbmate/2_a.sql", &up("-- migrate:up transaction:false", index), Own),
        ("dbmate/3_a.sql", &up("-- migrate:up transaction:false", two), Message),
        ("sqlx/migrations/1_a.sql", index, File),
        ("sqlx/migrations/2_a.sql", &up("-- no-transaction", index), Own),
        ("go/1_a.up.sql", index, Own),
        ("go/2_a.up.sql", two, Message),
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
        let report = json(&done);
        let drop = report["findings"].as_array().unwrap().iter().find(|finding| finding["id"] == "H02").unwrap();
        assert!(drop["sql"].to_string().contains("DROP NOT NULL"), "its table is known");
    }
    assert_eq!(folder.found(&["any"]), [""; 0]);
}

#[test]
fn what_programs_write_themselves_is_no_error_and_a_first_migration_no_warning() {
    let enum_of_prisma =
        "BEGIN;\nCREATE TYPE \"Role_new\" AS ENUM ('A');\nCOMMIT;\nCREATE TABLE \"User\" (\"id\" SERIAL NOT NULL);\n";
    let dump = "SELECT pg_catalog.set_config('search_path', '', false);\n\\connect shop\n\
        CREATE TABLE public.users (id bigint NOT NULL);\nCOPY public.users (id) FROM stdin;\n1\tit's; DROP TABLE a;\n\\.\n\
        CREATE RULE r AS ON DELETE TO public.users DO INSTEAD NOTHING;\n";
    let guard = "CREATE TABLE profiles (id bigint);\nCREATE FUNCTION f() RETURNS trigger SECURITY DEFINER SET search_path = '' LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$;\n\
        CREATE TRIGGER t BEFORE INSERT ON profiles FOR EACH ROW EXECUTE FUNCTION f();\n";
    let folder = Folder::new(&[
        ("prisma/20260101000000_a/migration.sql", enum_of_prisma),
        ("go/1_a.up.sql", "BEGIN;\nCREATE TABLE a (id int);\nCOMMIT;\n"),
        ("dump.sql", dump),
        ("guard.sql", guard),
    ]);
    for path in ["prisma", "go", "dump.sql", "guard.sql"] {
        assert_eq!(folder.found(&[path]), [""; 0], "{path}");
    }
    folder.write("more.sql", "\\i other.sql\nSELECT 1;\n");
    let more = folder.review(&["more.sql"]).expect(1);
    assert!(
        more.stdout.contains("`\\i` is a command of psql's") && more.stdout.contains(": 1 error\n"),
        "{}",
        more.stdout
    );
}

#[test]
fn tables_that_the_files_before_locked_are_free_where_nobody_knows_that_they_run_together() {
    let folder = Folder::new(&[]);
    let entry =
        |n: u32| format!("{{\"idx\":{n},\"version\":\"7\",\"when\":{n},\"tag\":\"000{n}_a\",\"breakpoints\":true}}");
    let journal = format!(
        "{{\"version\":\"7\",\"dialect\":\"postgresql\",\"entries\":[{},{},{}]}}",
        entry(0),
        entry(1),
        entry(2)
    );
    folder.write("db/meta/_journal.json", &journal);
    folder.write("db/0000_a.sql", "CREATE TABLE a (x int); CREATE TABLE b (y int);");
    folder.write("db/0001_a.sql", "ALTER TABLE a ADD COLUMN z int;");
    folder.write("db/0002_a.sql", "CREATE INDEX i ON b (y);");
    assert_eq!(folder.found(&["db"]), ["db/0002_a.sql:1 H60 warning"]);
}
