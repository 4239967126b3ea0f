//! Derived rollbacks, run on a real server: the schema is as it was before.

use serde_json::{Value, json};

use super::*;
use crate::pg::fingerprint::{self, Options};
use crate::pg::testing::Scratch;

fn column(data_type: &str) -> Value {
    json!({ "name": "", "type": data_type, "primaryKey": false, "notNull": false })
}

fn of_enum(name: &str) -> Value {
    json!({ "name": "", "type": name, "typeSchema": "public", "primaryKey": false, "notNull": false })
}

/// A table from its columns; their names are filled in.
fn table(name: &str, columns: &[(&str, Value)]) -> Value {
    let mut table = json!({
        "name": name, "schema": "", "columns": {}, "indexes": {}, "foreignKeys": {}, "compositePrimaryKeys": {},
        "uniqueConstraints": {}, "policies": {}, "checkConstraints": {}, "isRLSEnabled": false,
    });
    for (column, value) in columns {
        let mut value = value.clone();
        value["name"] = json!(column);
        table["columns"][column] = value;
    }
    table
}

fn key(from: &str, column: &str, to: &str) -> (String, Value) {
    let name = format!("{from}_{column}_{to}_id_fk");
    let value = json!({
        "name": name, "tableFrom": from, "tableTo": to, "columnsFrom": [column], "columnsTo": ["id"],
        "onDelete": "no action", "onUpdate": "no action",
    });
    (name, value)
}

fn snapshot(tables: &[Value], enums: &[(&str, &[&str])]) -> Snapshot {
    let mut snapshot = Snapshot::empty();
    for table in tables {
        snapshot.0["tables"][format!("public.{}", table["name"].as_str().unwrap())] = table.clone();
    }
    for (name, values) in enums {
        snapshot.0["enums"][format!("public.{name}")] = json!({ "name": name, "schema": "public", "values": values });
    }
    snapshot
}

/// Up and down on a database of its own; what the schema differs in afterwards.
fn difference(before: (&Snapshot, &str), after: (&Snapshot, &str), declared: &[Operation]) -> Vec<String> {
    let books = "create schema drizzle; create table drizzle.m (id serial primary key, hash text, created_at bigint);";
    let (scratch, mut client) = Scratch::with(&format!("{books} {}", before.1));
    let was = fingerprint::take(&mut client, &Options::default()).unwrap();
    client.batch_execute(after.1).unwrap();
    client.batch_execute("insert into drizzle.m (hash, created_at) values ('abc', 17)").unwrap();
    let derived = derive(&Migration {
        tag: "0001_x",
        layout: Layout::Journal,
        hash: "abc",
        when: 17,
        migrations_table: TableName::new("drizzle", "m"),
        sql: after.1,
        before: before.0,
        after: after.0,
        operations: declared,
    });
    let Derived::Sql(rollback) = derived else { panic!("{derived:?}") };
    let text = rollback.text.replace("\\set ON_ERROR_STOP on\n", "");
    client.batch_execute(&text).unwrap_or_else(|error| panic!("{error:?}\n{text}"));
    let now = fingerprint::take(&mut client, &Options::default()).unwrap();
    drop(client);
    drop(scratch);
    was.difference(&now)
}

#[test]
fn what_new_objects_hang_on_goes_after_them() {
    let users = |more: &[(&str, Value)]| table("users", &[&[("id", column("integer"))], more].concat());
    let before = snapshot(&[users(&[])], &[("mood", &["a", "b"])]);
    let mut changed = users(&[("team_id", column("integer")), ("plan", of_enum("plan")), ("mood", of_enum("mood"))]);
    let (name, value) = key("users", "team_id", "teams");
    changed["foreignKeys"][name] = value;
    let mut teams = table("teams", &[("id", column("integer")), ("owner_id", column("integer"))]);
    let (name, value) = key("teams", "owner_id", "owners");
    teams["foreignKeys"][name] = value;
    let mut owners =
        table("owners", &[("id", column("integer")), ("team_id", column("integer")), ("plan", of_enum("plan"))]);
    let (name, value) = key("owners", "team_id", "teams");
    owners["foreignKeys"][name] = value;
    let after = snapshot(&[changed, teams, owners], &[("mood", &["a", "x", "b"]), ("plan", &["free"])]);
    let up = r#"alter type mood add value 'x' before 'b'; create type plan as enum ('free');
        create table teams (id integer primary key, owner_id integer);
        create table owners (id integer primary key, team_id integer, plan plan);
        alter table users add column team_id integer; alter table users add column plan plan;
        alter table users add column mood mood;
        alter table teams add constraint teams_owner_id_owners_id_fk foreign key (owner_id) references owners (id);
        alter table owners add constraint owners_team_id_teams_id_fk foreign key (team_id) references teams (id);
        alter table users add constraint users_team_id_teams_id_fk foreign key (team_id) references teams (id);"#;
    let down = "create table users (id integer primary key); create type mood as enum ('a', 'b');";
    assert_eq!(difference((&before, down), (&after, up), &[]), [] as [String; 0]);
}

#[test]
fn what_changed_on_a_renamed_column_of_a_renamed_table_goes_back_to_what_it_was() {
    let with = |name: &str, default: Value| {
        let mut value = column("text");
        value["default"] = default;
        table(name, &[("id", column("integer")), (if name == "users" { "email" } else { "mail" }, value)])
    };
    let before = snapshot(&[with("users", json!("'old'"))], &[]);
    let after = snapshot(&[with("people", json!("'new'"))], &[]);
    let users = TableName::new("public", "users");
    let declared = [
        Operation::RenameTable { table: users.clone(), to: "people".into() },
        Operation::RenameColumn { table: users.beside("people"), from: "email".into(), to: "mail".into() },
    ];
    let up = "alter table users rename to people; alter table people rename column email to mail;
        alter table people alter column mail set default 'new';";
    let down = "create table users (id integer, email text default 'old');";
    assert_eq!(difference((&before, down), (&after, up), &declared), [] as [String; 0]);
}

#[test]
fn a_further_policy_goes_without_taking_the_row_security_along() {
    let with = |names: &[&str]| {
        let mut users = table("users", &[("id", column("integer"))]);
        for name in names {
            users["policies"][*name] =
                json!({ "name": name, "as": "PERMISSIVE", "for": "SELECT", "to": ["public"], "using": "true" });
        }
        users
    };
    let (before, after) = (snapshot(&[with(&["p"])], &[]), snapshot(&[with(&["p", "q"])], &[]));
    let down = "create table users (id integer); alter table users enable row level security;
        create policy p on users for select using (true);";
    let up = "create policy q on users for select using (true);";
    assert_eq!(difference((&before, down), (&after, up), &[]), [] as [String; 0]);
}

#[test]
fn a_label_goes_back_from_below_views_and_checks_and_a_partial_index_is_left_to_a_person() {
    let mut jobs =
        table("jobs", &[("id", column("integer")), ("mood", of_enum("mood")), ("moods", of_enum("mood[2]"))]);
    jobs["checkConstraints"]["no_b"] = json!({ "name": "no_b", "value": "\"jobs\".\"mood\" <> 'b'" });
    let view = |name: &str, definition: &str| json!({ "name": name, "schema": "public", "isExisting": false, "materialized": false, "columns": {}, "definition": definition });
    let with = |values: &[&str], jobs: &Value| {
        let mut snapshot = snapshot(std::slice::from_ref(jobs), &[("mood", values)]);
        snapshot.0["views"]["public.bad"] = view("bad", r#"select "id" from "jobs" where "jobs"."mood" = 'a'"#);
        snapshot.0["views"]["public.worse"] = view("worse", r#"select "id" from "bad""#);
        snapshot.0["views"]["public.apart"] = view("apart", r#"select "id" from "jobs""#);
        snapshot
    };
    let down = r#"create type mood as enum ('a', 'b');
        create table jobs (id integer primary key, mood mood default 'a', moods mood[] default '{a}', constraint no_b check (jobs.mood <> 'b'));
        create view bad as select id from jobs where mood = 'a'; create view worse as select id from bad;
        create view apart as select id from jobs;"#;
    jobs["columns"]["mood"]["default"] = json!("'a'");
    jobs["columns"]["moods"]["default"] = json!("'{a}'");
    let up = "alter type mood add value 'c' before 'b'; alter type mood add value 'd';";
    let (before, after) = (with(&["a", "b"], &jobs), with(&["a", "c", "b", "d"], &jobs));
    assert_eq!(difference((&before, down), (&after, up), &[]), [] as [String; 0]);

    jobs["indexes"]["some"] = json!({ "name": "some", "columns": [{ "expression": "id", "isExpression": false }], "where": "\"jobs\".\"mood\" = 'a'" });
    let before = with(&["a", "b"], &jobs);
    let add = Operation::AddEnumValue { name: TableName::new("public", "mood"), value: "d".into() };
    assert!(inverse::of(&add, &before).unwrap_err().contains("the index some of jobs reads mood"));
}

#[test]
fn a_label_that_went_and_a_type_that_was_narrowed_go_back_and_the_file_says_what_may_be_lost() {
    let of = |data_type: &str, labels: &[&str]| {
        snapshot(&[table("users", &[("name", column(data_type)), ("mood", of_enum("mood"))])], &[("mood", labels)])
    };
    let (before, after) = (of("text", &["a", "b", "c"]), of("varchar(8)", &["a", "c"]));
    let down = "create type mood as enum ('a', 'b', 'c'); create table users (name text, mood mood);";
    let up = "alter table users alter column name set data type varchar(8); alter table users alter column mood set data type text;
        drop type mood; create type mood as enum ('a', 'c');
        alter table users alter column mood set data type mood using mood::mood;";
    assert_eq!(difference((&before, down), (&after, up), &[]), [] as [String; 0]);
    let narrowed = Operation::ChangeType {
        table: TableName::new("public", "users"),
        column: "name".into(),
        from: Some("text".into()),
        to: "varchar(8)".into(),
    };
    let losses = losses_of(&narrowed);
    assert!(losses.len() == 1 && losses[0].contains("cut"), "{losses:?}");
}
