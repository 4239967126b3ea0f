use super::*;
use crate::pg::testing::Scratch;

#[test]
fn values_in_messages_are_cut() {
    assert_eq!(
        without_values("22P02", "invalid input syntax for type integer: \"a\"b\""),
        "invalid input syntax for type integer: \"…\""
    );
    assert_eq!(without_values("23505", "could not create unique index \"u\""), "could not create unique index \"u\"");
    assert!(!without_values("P0001", "user anna@x.de").contains("anna"));
}

#[test]
fn chunks_keep_their_place_in_the_file() {
    let text = "SELECT 1;--> statement-breakpoint\nSELECT 2;\n--> statement-breakpoint\n";
    let found = chunks(text);
    assert_eq!(found.len(), 2);
    assert_eq!(&text[found[1].0..found[1].0 + found[1].1.len()], "\nSELECT 2;\n");
}

/// One migration of this text, run once more.
fn explained(client: &mut Client, text: &str) -> MigrationError {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("meta")).unwrap();
    let journal = serde_json::json!({ "version": "7", "dialect": "postgresql", "entries": [
        { "idx": 0, "version": "7", "when": 1, "tag": "0000_a", "breakpoints": true }
    ] });
    fs::write(folder.path().join("meta/_journal.json"), journal.to_string()).unwrap();
    fs::write(folder.path().join("0000_a.sql"), text).unwrap();
    let history = History::load(folder.path()).unwrap();
    match explain(client, &history, &[&history.entries[0]], true).unwrap() {
        Verdict::Fails(error) => *error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_statement_that_fails_is_shown_with_its_line_and_a_mark_below_the_column() {
    let (_scratch, mut client) = Scratch::with("create table t (id integer, reps text); insert into t values (1, 'x')");
    let text = "ALTER TABLE \"t\" ADD COLUMN \"a\" text;--> statement-breakpoint\nSELECT 1;\nALTER TABLE \"t\" ALTER COLUMN \"reps\" SET DATA TYPE integer;\n";
    let error = explained(&mut client, text);
    let told = error.failure("a.sql").render();
    let excerpt = "  a.sql:3:30\n  3 | ALTER TABLE \"t\" ALTER COLUMN \"reps\" SET DATA TYPE integer\n    |                              ^\n";
    assert!(told.contains(excerpt), "{told}");
    assert!(told.contains("42804") && told.contains("1 of 1 rows of `t` whose `reps` is no `integer`"), "{told}");
    let columns: i64 = client
        .query_one("select count(*) from pg_attribute where attrelid = 't'::regclass and attnum > 0", &[])
        .unwrap()
        .get(0);
    assert_eq!(columns, 2, "nothing stays");
    let error = explained(&mut client, "SELECT 1;\nSELECT 2,\n  nothing FROM t;\n");
    assert_eq!((error.sqlstate.as_str(), error.line, error.caret), ("42703", 3, Some(3)));
}

#[test]
fn what_only_commit_refuses_is_told_as_such_and_counted() {
    let (_scratch, mut client) = Scratch::with(
        "create table p (id integer primary key); create table c (p integer references p deferrable initially deferred)",
    );
    let error = explained(&mut client, "INSERT INTO p VALUES (1);\nINSERT INTO c VALUES (1), (2), (3);\n");
    let told = error.failure("a.sql").render();
    assert!(told.contains("fails at COMMIT with SQLSTATE 23503"), "{told}");
    assert!(told.contains("2 of 3 rows of `c` whose `p` refers to no row of `p`"), "{told}");
}

#[test]
fn a_lock_that_is_not_to_be_had_is_told_with_its_holder_and_without_values() {
    let (scratch, mut client) = Scratch::with("create table t (id integer)");
    let mut other = crate::pg::connect::connect(&scratch.url, "nightly report").unwrap();
    let mut holding = other.transaction().unwrap();
    holding.batch_execute("insert into t values (4711)").unwrap();
    let error = explained(&mut client, "ALTER TABLE t ADD COLUMN a text;\n");
    let told = error.failure("a.sql").render();
    assert!(told.contains("(nightly report) holds RowExclusiveLock since 20"), "{told}");
    assert!(told.contains("idle in transaction, last INSERT") && !told.contains("4711"), "{told}");
}
