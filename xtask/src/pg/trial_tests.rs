//! Statements whose doings are known, on a real server.

use super::*;
use crate::pg::testing::Scratch;

const ROWS: &str = "create table p (id integer primary key); insert into p select generate_series(1, 500);
    create table t (id integer primary key, p integer, a integer, s varchar(20), n text);
    insert into t select g, g % 500 + 1, g, 's' || g, md5(g::text) from generate_series(1, 30000) g";

/// As `role`, where one is given.
fn tried(scratch: &Scratch, role: &str, statements: &[&str]) -> Trial {
    let spilled = Spilled::default();
    let mut client = scratch.server.listening("Test \"1\"", &spilled).unwrap();
    if !role.is_empty() {
        client.batch_execute(&format!("set session authorization {role}")).unwrap();
    }
    let statements: Vec<(usize, String)> =
        statements.iter().enumerate().map(|(place, sql)| (place + 1, (*sql).to_owned())).collect();
    run(&mut client, &statements, &spilled).unwrap()
}

fn names(tables: &[TableName]) -> Vec<String> {
    tables.iter().map(ToString::to_string).collect()
}

fn lock(name: &str, mode: Mode) -> Lock {
    Lock { relation: TableName::new("public", name), mode }
}

fn read(tried: &Tried, table: &str) -> i64 {
    tried.scanned.iter().find(|(name, _)| name.to_string() == table).map_or(0, |(_, rows)| *rows)
}

#[test]
fn rewrites_are_told_with_their_reason_and_widening_is_none() {
    let (scratch, mut client) = Scratch::with(ROWS);
    let trial = tried(
        &scratch,
        "",
        &[
            "alter table t add u uuid default gen_random_uuid()",
            "alter table t alter a type bigint",
            "alter table t alter s type varchar(40)",
            "alter table t add fine timestamptz not null default now()",
            "alter table t rename to renamed",
            "alter table renamed alter a type text",
        ],
    );
    let [volatile, retyped, widened, stable, renamed, after] = trial.statements.as_slice() else { panic!("{trial:?}") };
    assert_eq!(trial.event_trigger, None);
    assert_eq!(
        (names(&volatile.rewrote), &*volatile.reasons),
        (vec!["t".into(), "t_pkey".into()], &["default".to_owned()][..])
    );
    assert_eq!(
        (names(&retyped.rewrote), &*retyped.reasons),
        (vec!["t".into(), "t_pkey".into()], &["type".to_owned()][..])
    );
    assert!(volatile.locks.contains(&lock("t", Mode::AccessExclusive)) && volatile.wal_bytes > 1_000_000);
    // Once for the rows and once for the index.
    assert_eq!((read(volatile, "t"), read(widened, "t")), (60_000, 0));
    for none in [widened, stable, renamed] {
        assert_eq!((&*none.rewrote, &*none.reasons, &*none.scanned), (&[][..], &[][..], &[][..]), "{none:?}");
    }
    // A statement speaks of the table by the name that it had when it came.
    assert_eq!(names(&after.rewrote), ["renamed", "t_pkey"]);
    assert_eq!(client.query_one("select count(*) from t", &[]).unwrap().get::<_, i64>(0), 30_000);
    assert!(client.query("select u from t", &[]).is_err());
}

#[test]
fn a_check_that_proves_it_spares_the_scan_and_a_foreign_key_locks_both_tables() {
    let (scratch, _client) = Scratch::with(ROWS);
    let trial = tried(
        &scratch,
        "",
        &[
            "alter table t alter n set not null",
            "alter table t add constraint proves check (s is not null)",
            "alter table t alter s set not null",
            "alter table t add foreign key (p) references p",
            "create table made (id integer primary key)",
        ],
    );
    let [scans, check, spared, key, made] = trial.statements.as_slice() else { panic!("{trial:?}") };
    assert_eq!([scans, check, spared].map(|one| read(one, "t")), [30_000, 30_000, 0]);
    assert!(key.locks.contains(&lock("p", Mode::ShareRowExclusive)), "{key:?}");
    assert!(key.locks.contains(&lock("t", Mode::ShareRowExclusive)), "{key:?}");
    assert!(key.held.is_empty(), "{key:?}");
    assert_eq!(made.held, [lock("p", Mode::ShareRowExclusive), lock("t", Mode::AccessExclusive)]);
    assert!(made.locks.is_empty(), "nobody waits for what is not there yet: {made:?}");
}

#[test]
fn temporary_files_are_counted_for_the_statement_that_spilled() {
    let (scratch, mut client) = Scratch::with(ROWS);
    let trial = tried(
        &scratch,
        "",
        &[
            "set local maintenance_work_mem = '1MB'",
            "create index on t (upper(n))",
            "set local maintenance_work_mem = '128MB'; set local min_parallel_table_scan_size = 0",
            "create index on t (lower(n))",
            "alter table t drop n",
        ],
    );
    let [set, index, _, parallel, dropped] = trial.statements.as_slice() else { panic!("{trial:?}") };
    assert_eq!((set.temp_bytes, dropped.temp_bytes), (Some(0), Some(0)));
    let bytes = index.temp_bytes.unwrap();
    // The server's own count, which a session sees once the transaction has ended.
    client.batch_execute("select pg_stat_clear_snapshot()").unwrap();
    let sql = "select temp_bytes from pg_stat_database where datname = current_database()";
    let counted: i64 = client.query_one(sql, &[]).unwrap().get(0);
    let with_workers = bytes + parallel.temp_bytes.unwrap();
    assert!(bytes > 1_000_000 && with_workers > bytes + 1_000_000, "{trial:?}");
    assert!(with_workers <= counted && counted < with_workers + 2_000_000, "{with_workers} of {counted}");
    assert!(index.locks.contains(&lock("t", Mode::Share)) && read(index, "t") == 30_000, "{index:?}");
}

#[test]
fn the_trial_ends_at_what_is_refused_and_says_so_without_values() {
    let (scratch, mut client) = Scratch::with(ROWS);
    client
        .batch_execute(
            "create type mood as enum ('sad'); create table m (mood mood); insert into t values (0, 999, 1, 'secret')",
        )
        .unwrap();
    client.batch_execute("create table d (p integer references p deferrable initially deferred)").unwrap();
    let ends = |statements: &[&str]| {
        let trial = tried(&scratch, "", &[statements, &["create table never ()"]].concat());
        let last = trial.statements.last().unwrap().clone();
        let refused = last.refused.clone().unwrap();
        assert!(!refused.why.contains("secret") && !refused.why.contains("999"), "{refused:?}");
        (last.line, refused.sqlstate)
    };
    let ends_with = |line, code: &str| (line, Some(code.to_owned()));
    assert_eq!(ends(&["alter type mood add value 'new'", "insert into m values ('new')"]), ends_with(2, "55P04"));
    assert_eq!(ends(&["create index concurrently on t (a)"]), ends_with(1, "25001"));
    assert_eq!(ends(&["alter table t add foreign key (p) references p"]), ends_with(1, "23503"));
    assert_eq!(ends(&["alter table t add x text", "commit"]), (2, None));
    assert_eq!(ends(&["alter table t add x text", "alter tabel t; commit"]), (2, None));
    let late = tried(&scratch, "", &["insert into d values (7777)"]).statements;
    assert_eq!(late[0].refused, None);
    assert_eq!(
        (late[1].statement.as_str(), late[1].refused.as_ref().unwrap().sqlstate.as_deref()),
        ("COMMIT", Some("23503"))
    );
    assert!(client.query("select x from t", &[]).is_err() && client.query("select from never", &[]).is_err());
}

#[test]
fn what_a_plain_role_may_not_see_is_not_known() {
    let (scratch, mut client) = Scratch::with(ROWS);
    client
        .batch_execute("create role plain; alter table t owner to plain; grant create on schema public to plain")
        .unwrap();
    let trial = tried(&scratch, "plain", &["alter table t alter a type bigint"]);
    assert_eq!(trial.event_trigger.as_deref(), Some("not permitted"));
    let one = &trial.statements[0];
    assert_eq!(
        (one.temp_bytes, &*one.reasons, names(&one.rewrote)),
        (None, &[][..], vec!["t".to_owned(), "t_pkey".to_owned()])
    );
    assert_eq!(one.refused, None);
}
