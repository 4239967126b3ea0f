//! What a database has already, and what its rows decide.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use xtask::drizzle::journal;
use xtask::pg::server::{Server, Settings};
use xtask::process::tools;

use super::{Folder, files, found, json};

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
    // Nothing says that the database has it, and what it makes is there: it cannot run.
    assert_eq!(files(&ran(&["drizzle"]).expect(1)).len(), 3);
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
    let named = ran(&["drizzle/0001_phone.sql"]).expect(1).says(&["has `0001_phone.sql` already"]);
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
