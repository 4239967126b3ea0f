//! What is accepted: by a comment, in the workflow file, by a baseline.

use std::fs;

use super::{Folder, RENAME, found, json};
use crate::harness::Repo;

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
