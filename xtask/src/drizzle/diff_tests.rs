use super::*;
use serde_json::json;

/// Tables and a view as drizzle-kit 0.31.11 writes them.
fn sample() -> Snapshot {
    let mut snapshot = Snapshot::empty();
    snapshot.0["tables"]["public.users"] = json!({
        "name": "users", "schema": "",
        "columns": {
            "id": { "name": "id", "type": "serial", "primaryKey": true, "notNull": true },
            "email": { "name": "email", "type": "text", "primaryKey": false, "notNull": true },
            "role": { "name": "role", "type": "user_role", "typeSchema": "public", "primaryKey": false, "notNull": true, "default": "'member'" },
        },
        "indexes": { "users_email_lower_idx": {
            "name": "users_email_lower_idx", "isUnique": false, "concurrently": false, "method": "btree", "with": {},
            "columns": [{ "expression": "lower(\"email\")", "asc": true, "isExpression": true, "nulls": "last" }],
        } },
        "foreignKeys": {}, "compositePrimaryKeys": {}, "policies": {}, "isRLSEnabled": false,
        "uniqueConstraints": { "users_email_unique": { "name": "users_email_unique", "nullsNotDistinct": false, "columns": ["email"] } },
        "checkConstraints": { "has_at": { "name": "has_at", "value": "\"users\".\"email\" like '%@%'" } },
    });
    snapshot.0["tables"]["public.logins"] = json!({
        "name": "logins", "schema": "",
        "columns": { "mail": { "name": "mail", "type": "text", "primaryKey": false, "notNull": false } },
        "indexes": {}, "compositePrimaryKeys": {}, "policies": {}, "isRLSEnabled": false, "uniqueConstraints": {}, "checkConstraints": {},
        "foreignKeys": { "logins_mail_users_email_fk": {
            "name": "logins_mail_users_email_fk", "tableFrom": "logins", "tableTo": "users",
            "columnsFrom": ["mail"], "columnsTo": ["email"], "onDelete": "no action", "onUpdate": "no action",
        } },
    });
    snapshot.0["enums"]["public.user_role"] =
        json!({ "name": "user_role", "schema": "public", "values": ["admin", "member"] });
    snapshot.0["views"]["public.active_users"] = json!({
        "name": "active_users", "schema": "public", "isExisting": false, "materialized": false,
        "columns": { "email": { "name": "email", "type": "text", "primaryKey": false, "notNull": true } },
        "definition": "select \"email\" from \"users\"",
    });
    snapshot
}

/// The sample after `users.email` became `users.email_address`, with all that drizzle-kit makes of it.
fn renamed() -> Snapshot {
    let text = sample().0.to_string();
    let text = text.replace("\"mail\"", "\"@\"").replace("email_lower", "@lower").replace("email", "email_address");
    Snapshot(serde_json::from_str(&text.replace("\"@\"", "\"mail\"").replace("@lower", "email_lower")).unwrap())
}

fn rename() -> Operation {
    Operation::RenameColumn {
        table: TableName::new("public", "users"),
        from: "email".into(),
        to: "email_address".into(),
    }
}

fn words(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    differences(before, after, &[rename()]).iter().map(ToString::to_string).collect()
}

#[test]
fn what_follows_from_a_declared_rename_is_no_difference() {
    assert_eq!(differences(&sample(), &renamed(), &[rename()]), [rename()]);
}

#[test]
fn an_undeclared_rename_is_a_drop_an_add_and_a_question() {
    let found = differences(&sample(), &renamed(), &[]);
    assert!(found.iter().any(|operation| operation.to_string() == "drop column users.email"));
    assert!(found.iter().any(|operation| operation.to_string() == "add unique on users(email_address)"));
    assert_eq!(rename_candidates(&sample(), &renamed()), [rename()]);
}

#[test]
fn a_declared_rename_that_did_not_happen_is_not_in_the_result() {
    assert_eq!(differences(&sample(), &sample(), &[rename()]), []);
}

#[test]
fn an_edit_beside_a_rename_stays_visible() {
    let mut after = renamed();
    let users = &mut after.0["tables"]["public.users"];
    users["columns"]["email_address"]["notNull"] = json!(false);
    users["checkConstraints"]["has_at"]["value"] = json!("\"users\".\"email_address\" like '%'");
    after.0["views"]["public.active_users"]["definition"] = json!("select \"email_address\" from \"users\" where true");
    let expected = [
        "rename column users.email → email_address",
        "drop not null users.email_address",
        "change check has_at on users",
        "change view active_users",
    ];
    assert_eq!(words(&sample(), &after), expected);
}

#[test]
fn a_view_that_reads_a_view_follows_too() {
    let more = |column: &str| {
        json!({
            "name": "more", "schema": "public", "isExisting": false, "materialized": false,
            "columns": { column: { "name": column, "type": "text", "primaryKey": false, "notNull": true } },
            "definition": format!("select \"{column}\" from \"active_users\""),
        })
    };
    let (mut before, mut after) = (sample(), renamed());
    before.0["views"]["public.a_more"] = more("email");
    after.0["views"]["public.a_more"] = more("email_address");
    assert_eq!(differences(&before, &after, &[rename()]), [rename()]);
}

#[test]
fn a_lost_unique_constraint_is_seen_through_the_rename() {
    let mut after = renamed();
    after.0["tables"]["public.users"]["uniqueConstraints"] = json!({});
    assert_eq!(words(&sample(), &after)[1..], ["drop unique users_email_unique on users"]);
}

#[test]
fn added_columns_keep_type_default_and_what_is_special_about_them() {
    let mut after = sample();
    let columns = &mut after.0["tables"]["public.users"]["columns"];
    columns["phone"] = json!({ "name": "phone", "type": "varchar(20)", "primaryKey": false, "notNull": false });
    columns["rank"] = json!({ "name": "rank", "type": "integer", "primaryKey": false, "notNull": true, "default": 0 });
    columns["roles"] =
        json!({ "name": "roles", "type": "Role[]", "typeSchema": "app", "primaryKey": false, "notNull": false });
    columns["low"] = json!({ "name": "low", "type": "text", "primaryKey": false, "notNull": false, "generated": { "as": "lower(\"email\")", "type": "stored" } });
    let expected = [
        "add column users.phone (varchar(20), nullable)",
        "add column users.rank (integer, not null, default 0)",
        "add column users.roles (\"app\".\"Role\"[], nullable)",
        "add column users.low (text) with generated",
    ];
    assert_eq!(words(&sample(), &after), expected);
}

#[test]
fn every_member_of_a_snapshot_is_compared() {
    let mut after = sample();
    after.0["enums"]["public.user_role"]["values"] = json!(["member", "admin", "owner"]);
    after.0["sequences"]["public.seq"] = json!({ "name": "seq", "schema": "public" });
    after.0["views"] = json!({});
    after.0["new_kind"] = json!({ "a": 1 });
    let users = &mut after.0["tables"]["public.users"];
    users["isRLSEnabled"] = json!(true);
    users["columns"]["role"]["default"] = json!("'admin'");
    users["columns"]["id"]["type"] = json!("bigserial");
    users["columns"]["id"]["identity"] = json!({ "type": "always" });
    users["future"] = json!(["x"]);
    let mut found = words(&sample(), &after);
    found.sort();
    let mut expected = [
        "set default of users.role to 'admin'",
        "change future of table users",
        "change identity of column users.id",
        "change new_kind of the snapshot",
        "change type of users.id from serial to bigserial",
        "create sequence seq",
        "drop view active_users",
        "enable row level security on users",
        "add value 'owner' to enum user_role",
        "change the order of the values of enum user_role",
    ];
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_check_that_calls_a_function_does_not_go_with_a_column_of_that_name() {
    let with = |length: bool, check: bool| {
        let mut snapshot = sample();
        let users = &mut snapshot.0["tables"]["public.users"];
        if length {
            users["columns"]["length"] =
                json!({ "name": "length", "type": "integer", "primaryKey": false, "notNull": false });
        }
        if check {
            users["checkConstraints"]["long"] = json!({ "name": "long", "value": "length(\"users\".\"email\") > 3" });
        }
        snapshot
    };
    let found = words(&with(true, true), &with(false, false));
    assert_eq!(found, ["drop column users.length", "drop check long on users"]);
}

#[test]
fn row_security_that_an_older_kit_did_not_write_down_is_off() {
    let mut older = sample();
    older.0["tables"]["public.users"].as_object_mut().unwrap().remove("isRLSEnabled");
    assert_eq!(words(&older, &sample()), [] as [&str; 0]);
}

#[test]
fn where_nulls_stand_in_an_index_is_part_of_what_it_is() {
    let with = |asc: bool, nulls: &str| {
        let mut snapshot = sample();
        snapshot.0["tables"]["public.users"]["indexes"]["by_mail"] = json!({
            "name": "by_mail", "isUnique": false, "concurrently": false, "method": "btree", "with": {},
            "columns": [{ "expression": "email", "asc": asc, "isExpression": false, "nulls": nulls }],
        });
        match differences(&sample(), &snapshot, &[]).remove(0) {
            Operation::AddIndex { definition, .. } => definition,
            other => panic!("{other}"),
        }
    };
    assert_eq!(with(true, "last"), None);
    assert_eq!(with(true, "first").as_deref(), Some(r#"USING btree ("email" NULLS FIRST)"#));
    assert_eq!(with(false, "first").as_deref(), Some(r#"USING btree ("email" DESC)"#));
    assert_eq!(with(false, "last").as_deref(), Some(r#"USING btree ("email" DESC NULLS LAST)"#));
}
