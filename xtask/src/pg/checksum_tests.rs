//! Every kind of damage must show, and what keeps the data must not.

use postgres::Client;

use super::*;
use crate::pg::testing::{RICH, Scratch};

const PEOPLE: &str =
    "create table people (id integer primary key, name text, age integer, at timestamptz default '2026-01-01');
insert into people values (1, 'a', 10), (2, 'b', 20), (3, '', 30), (4, null, 40);
create table log (line text, n integer); insert into log values ('x', 1), ('y', 2);
create sequence s";

fn after(client: &mut Client, sql: &str, mapping: &Mapping) -> Vec<String> {
    let before = take(client, &[]).unwrap();
    let mut transaction = client.transaction().unwrap();
    transaction.batch_execute(sql).unwrap();
    let after = take_after(&mut transaction, &[], &before, mapping).unwrap();
    transaction.rollback().unwrap();
    compare(&before, &after, mapping).unwrap()
}

fn people() -> TableName {
    TableName::new("public", "people")
}

#[test]
fn every_damage_is_seen() {
    let (_scratch, mut client) = Scratch::with(PEOPLE);
    for (sql, told) in [
        ("update people set age = 11 where id = 1", "column people.age has other values"),
        (
            "update people set name = case id when 1 then 'b' when 2 then 'a' end where id < 3",
            "column people.name has other values",
        ),
        (
            "update people set name = '' where id = 4",
            "column people.name has other values: 3 values that are not NULL, now 4",
        ),
        (
            "update people set name = case id when 3 then null else '' end where id > 2",
            "column people.name has other values",
        ),
        ("update people set at = at + '1 microsecond'", "column people.at has other values"),
        ("delete from people where id = 4", "table people had 4 rows, now 3"),
        ("alter table people drop age", "column people.age is gone"),
        ("alter table people rename age to years", "column people.age is gone"),
        ("alter table people add x text", "column people.x is new"),
        ("drop table log", "table log is gone, with 2 rows"),
        ("update log set n = 3 - n", "table log (without a key) has other rows"),
        ("create table other ()", "table other is new, with 0 rows"),
        ("select nextval('s')", "sequence \"public\".\"s\" was at 1 (not used yet), now at 1"),
    ] {
        let found = after(&mut client, sql, &Mapping::default());
        assert!(found.iter().any(|line| line == told), "{sql}: {found:?}");
    }
}

#[test]
fn what_keeps_the_data_is_equal() {
    let (_scratch, mut client) = Scratch::with(PEOPLE);
    let renamed = Mapping {
        tables: [(people(), TableName::new("public", "folk"))].into(),
        columns: [
            ((people(), "id".to_owned()), "key".to_owned()),
            ((people(), "name".to_owned()), "called".to_owned()),
        ]
        .into(),
        new_columns: [(TableName::new("public", "folk"), "x".to_owned())].into(),
        dropped_columns: [(people(), "age".to_owned())].into(),
        ..Mapping::default()
    };
    let sql =
        "alter table people rename id to key; alter table people rename name to called; alter table people drop age;
        alter table people add x text default 'x'; alter table people rename to folk";
    assert_eq!(after(&mut client, sql, &renamed), [""; 0]);
    assert_eq!(
        after(&mut client, &format!("{sql}; update folk set called = 'other' where key = 1"), &renamed),
        ["column folk.called (was name) has other values"]
    );
    for sql in [
        "select 1",
        "update people set age = age; alter table people alter age type bigint; alter table people alter name type varchar(9)",
        "alter table people drop constraint people_pkey; alter table people add primary key (age)",
        "set local timezone = 'Asia/Tokyo'; set local datestyle = 'German'; set local search_path = pg_catalog",
        "create view v as select * from people; create materialized view m as select * from people",
    ] {
        assert_eq!(after(&mut client, sql, &Mapping::default()), [""; 0], "{sql}");
    }
}

#[test]
fn a_rename_and_its_rollback_compare_both_ways() {
    let (_scratch, mut client) = Scratch::with(PEOPLE);
    let mapping = Mapping { columns: [((people(), "id".to_owned()), "key".to_owned())].into(), ..Mapping::default() };
    let before = take(&mut client, &[]).unwrap();
    client.batch_execute("alter table people rename id to key").unwrap();
    let up = take_after(&mut client, &[], &before, &mapping).unwrap();
    client.batch_execute("alter table people rename key to id").unwrap();
    let down = take_after(&mut client, &[], &up, &mapping.reversed()).unwrap();
    assert_eq!(compare(&up, &down, &mapping.reversed()).unwrap(), [""; 0]);
    assert_eq!(before, down);
}

#[test]
fn odd_names_partitions_and_types_are_read_once_and_survive_json() {
    let (_scratch, mut client) = Scratch::with(RICH);
    let sums = take(&mut client, &[TableName::new("public", "users")]).unwrap();
    let rows: Vec<(String, i64)> = sums.tables.iter().map(|(table, sum)| (table.to_string(), sum.rows)).collect();
    let expected =
        [("Odd \"Schema\".Weird 'T'", 50), ("base", 1), ("child", 1), ("parted_eu", 50), ("parted_rest", 50)];
    assert_eq!(rows, expected.map(|(name, rows)| (name.to_owned(), rows)));
    assert_eq!(sums.without_key(), [&TableName::new("public", "child")]);
    assert_eq!(sums.sequences.len(), 2);
    assert_eq!(serde_json::from_str::<Checksums>(&serde_json::to_string(&sums).unwrap()).unwrap(), sums);
}

#[test]
fn rows_hidden_by_row_security_are_an_error_and_no_tables_prove_nothing() {
    let (_scratch, mut client) = Scratch::with(RICH);
    client.batch_execute("create role reader; grant select on all tables in schema public to reader; grant usage on schema \"Odd \"\"Schema\"\"\" to reader; grant select on all tables in schema \"Odd \"\"Schema\"\"\" to reader; set role reader").unwrap();
    let error = take(&mut client, &[]).unwrap_err().to_string();
    assert!(error.contains("users") && error.contains("row-level security"), "{error}");
    assert!(compare(&Checksums::default(), &Checksums::default(), &Mapping::default()).is_err());
}
