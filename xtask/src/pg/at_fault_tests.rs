use super::*;
use crate::pg::testing::Scratch;

const ROWS: &str = r#"
create table "Gym ""A""" ("Id" integer primary key);
insert into "Gym ""A""" select generate_series(1, 5);
create type mood as enum ('good', 'bad', 'odd');
create table "Work Outs" (
  id integer primary key, "Title" text, reps text, "gymId" integer, amount numeric, mood mood default 'good', a integer, b integer
);
insert into "Work Outs" select n, 'title ' || n, n::text, 1, n, 'good', n, n from generate_series(1, 20) n;
update "Work Outs" set "Title" = 'same' where id <= 3;
update "Work Outs" set "Title" = 'SAME' where id = 4;
update "Work Outs" set "Title" = null where id in (6, 7);
update "Work Outs" set reps = 'about ' || n from generate_series(8, 10) n where id = n;
update "Work Outs" set "gymId" = 99 where id in (11, 12);
update "Work Outs" set amount = 40000 where id = 13;
update "Work Outs" set mood = 'odd' where id in (14, 15, 16);
update "Work Outs" set a = 1, b = 1 where id in (17, 18);
"#;

/// What is told of a statement that fails, and the values that would be shown.
fn told(client: &mut Client, statement: &str) -> (String, usize) {
    client.batch_execute("BEGIN; SAVEPOINT before").unwrap();
    let error = client.batch_execute(statement).unwrap_err();
    client.batch_execute("ROLLBACK TO SAVEPOINT before").unwrap();
    let found = find(client, statement, error.as_db_error().unwrap(), true);
    let Some(found) = found else {
        client.batch_execute("ROLLBACK").unwrap();
        return ("not counted".to_owned(), 0);
    };
    let values = read(client, &found.values, 20).unwrap().0.len();
    client.batch_execute("ROLLBACK").unwrap();
    let text = found.to_string();
    let rest = text.strip_prefix(&format!("{} of 20 rows of `Work Outs` ", found.rows)).unwrap();
    (format!("{} {rest}", found.rows), values)
}

#[test]
fn rows_at_fault_are_counted_for_each_kind_of_refusal() {
    let (_scratch, mut client) = Scratch::with(ROWS);
    let table = r#"alter table "Work Outs""#;
    for (statement, told_of, values) in [
        (format!(r#"{table} add column "New" text not null"#), "20 without a value in `New`", 20),
        (format!(r#"{table} alter column "Title" set not null"#), "2 without a value in `Title`", 2),
        (format!(r#"{table} add constraint u unique ("Title")"#), "3 with the same value in `Title`", 1),
        (
            format!(r#"{table} add constraint u unique (a, b), add check (a > -1)"#),
            "3 with the same value in `a`, `b`",
            1,
        ),
        (
            r#"create unique index i on "Work Outs" (lower("Title")) where id < 10"#.to_owned(),
            "4 with the same value in `lower(\"Title\")`",
            1,
        ),
        (
            format!(r#"{table} add constraint f foreign key ("gymId") references "Gym ""A""""#),
            "2 whose `gymId` refers to no row of `Gym \"A\"`",
            1,
        ),
        (format!(r#"{table} add constraint "Ck" check (amount < 100 and (a > 0))"#), "1 that break `Ck`", 1),
        (format!("{table} alter column reps set data type integer"), "3 whose `reps` is no `integer`", 3),
        (
            format!("{table} alter column reps type integer using trim(reps)::integer, alter a type bigint"),
            "3 whose `reps` is no `integer`",
            3,
        ),
        (format!("{table} alter column amount type smallint"), "1 whose `amount` is no `smallint`", 1),
        (format!("{table} alter column amount type numeric(4, 1)"), "1 whose `amount` is no `numeric(4, 1)`", 1),
        (
            format!(r#"{table} alter column "Title" type varchar(6)"#),
            "14 whose `Title` is longer than `varchar(6)` holds",
            14,
        ),
    ] {
        let (text, shown) = told(&mut client, &statement);
        assert!(text.starts_with(told_of), "{statement}: {text}");
        assert_eq!(shown, values, "{statement}");
    }
    let removed = "alter table \"Work Outs\" alter mood drop default, alter mood type text; create type better as enum ('good', 'bad')";
    client.batch_execute(removed).unwrap();
    let (text, shown) = told(&mut client, &format!(r#"{table} alter column mood type better using mood::better"#));
    assert_eq!((text.as_str(), shown), ("3 whose `mood` is a value that `better` does not have", 1));
}

#[test]
fn what_gives_no_question_is_not_counted() {
    let (_scratch, mut client) = Scratch::with(ROWS);
    for statement in [
        "insert into \"Work Outs\" (id) values (1)",
        "do $$ begin raise unique_violation; end $$",
        "alter table \"Work Outs\" add column id integer",
        "update \"Work Outs\" set reps = reps::integer::text",
    ] {
        assert_eq!(told(&mut client, statement).0, "not counted", "{statement}");
    }
}

#[test]
fn expressions_are_cut_out_of_statements() {
    let check = r#"alter table t add constraint "a)" check (x > 1), add constraint b check ((y <> ')') and f(z))"#;
    assert_eq!(check_of(check, Some("b")), Some("(y <> ')') and f(z)"));
    assert_eq!(filter_of("create unique index i on t (a) where b = 'where' and c"), Some("b = 'where' and c"));
    assert_eq!(filter_of("create unique index i on t (where_a)"), None);
    assert_eq!(
        using_of("alter table t alter \"c\" type integer using f(c, 'x,y'), alter d type text", "c"),
        Some("f(c, 'x,y')")
    );
    assert_eq!(using_of("alter table t alter c type integer, alter d type text using d::text", "c"), None);
}
