use super::*;
use crate::pg::testing::{RICH, Scratch};

fn table(name: &str) -> TableName {
    TableName::new("public", name)
}

fn one(client: &mut Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).unwrap().get(0)
}

#[test]
fn existing_rows_are_multiplied_with_their_skew_and_constraints_hold() {
    let (_scratch, mut client) = Scratch::with(RICH);
    let grown = grow(&mut client, &table("users"), 5000).unwrap();
    assert_eq!((grown.rows, grown.added), (5000, 4500));
    assert!(grown.how.contains("fresh id, email"), "{}", grown.how);
    assert_eq!(one(&mut client, "select count(*) from users where name is null"), 720);
    let odd = TableName::new("Odd \"Schema\"", "Weird 'T'");
    assert_eq!(grow(&mut client, &odd, 1000).unwrap().rows, 1000);
    assert_eq!(grow(&mut client, &table("parted"), 1000).unwrap().rows, 1000);
    assert_eq!(
        grow(&mut client, &table("users"), 100).unwrap(),
        Grown { rows: 5000, added: 0, how: "users has 5000 rows of its own".into() }
    );
    // Every constraint is built anew over the new rows.
    client.batch_execute("create table again (like users including all); insert into again overriding system value select id, email, name, mood, mail, point, tags, profile, price from users").unwrap();
    let orphans = "select count(*) from \"Odd \"\"Schema\"\"\".\"Weird 'T'\" w where not exists (select 1 from users u where u.id = w.\"select\")";
    assert_eq!(one(&mut client, orphans), 0);
    client.batch_execute("insert into users (email) values ('later@x')").unwrap();
}

#[test]
fn an_empty_table_gets_values_by_type_after_its_parents() {
    let (_scratch, mut client) = Scratch::with(
        "create type mood as enum ('a', 'it''s');
        create domain mail as text check (value like '%@%');
        create table parent (id uuid primary key default gen_random_uuid(), slug varchar(12) not null unique);
        create table child (id bigserial primary key, parent_id uuid not null references parent, boss bigint references child,
          mood mood not null, address mail not null, state text not null check (state in ('open', 'it''s')), rating integer not null check (rating between 1 and 5),
          price numeric(6, 2) not null, at timestamptz not null, born date not null, doc jsonb not null, tags text[] not null, ip inet not null,
          flag boolean not null, raw bytea not null, code char(3) not null, twice integer generated always as (rating * 2) stored);
        create table profile (child_id bigint primary key references child, bio text);
        create table pairs (child_id bigint not null references child, parent_id uuid not null references parent, primary key (child_id, parent_id))",
    );
    assert_eq!(grow(&mut client, &table("child"), 2000).unwrap().rows, 2000);
    assert_eq!(
        one(&mut client, "select count(distinct rating) + count(distinct state) + count(distinct mood) from child"),
        9
    );
    assert_eq!(grow(&mut client, &table("profile"), 3000).unwrap().rows, 3000);
    assert_eq!(grow(&mut client, &table("pairs"), 4000).unwrap().rows, 4000);
    assert_eq!(one(&mut client, "select count(*) from child"), 4000);
    let keys = insert_rows(&mut client, &table("pairs"), 3).unwrap();
    assert!(keys.len() == 3 && keys[0].starts_with("{\"child_id\" : "), "{keys:?}");
    assert!(one(&mut client, "select nextval('child_id_seq') - max(id) from child") > 0);
}

#[test]
fn what_cannot_be_made_is_an_error_and_leaves_no_rows() {
    let (_scratch, mut client) = Scratch::with(
        "create table strange (id integer primary key, code text not null check (code ~ '^[A-Z]{3}$'));
        create table lonely (flag boolean primary key); insert into lonely values (true);
        create table odd (id integer primary key, v lseg not null);
        create table triggered (id integer primary key, v text not null);
        create function f() returns trigger language plpgsql as 'begin new.v := coalesce(new.v, ''x''); return new; end';
        create trigger t before insert on triggered for each row execute function f()",
    );
    for (name, told) in
        [("strange", "strange_code_check"), ("lonely", "flag"), ("odd", "column `v`"), ("missing", "missing")]
    {
        let failure = Failure::from_error(&grow(&mut client, &table(name), 10).unwrap_err());
        assert!(failure.message.contains(told), "{}", failure.message);
    }
    assert_eq!(one(&mut client, "select count(*) from strange") + one(&mut client, "select count(*) from odd"), 0);
    assert_eq!(grow(&mut client, &table("triggered"), 10).unwrap().rows, 10);
}
