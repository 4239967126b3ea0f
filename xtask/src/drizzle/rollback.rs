//! The inverse of one migration, derived from the declared operations and the snapshots around it.
//!
//! Invariant: what cannot be reversed from the snapshots is said, never guessed.

use serde_json::Value;

use super::inverse::{self, truncated};
use super::layout::Layout;
use super::rollback_file::text;
use super::snapshot::{Snapshot, named, object, string};
use super::{diff, follow};
use crate::sql::names::{TableName, quote};
use crate::sql::statements::{self, Action};
use crate::sql::{Operation, nature};

/// One migration, with all that its rollback depends on.
#[derive(Clone, Debug)]
pub struct Migration<'a> {
    pub tag: &'a str,
    pub layout: Layout,
    /// SHA-256 of the file, as the migrations table holds it.
    pub hash: &'a str,
    /// When it was made; in the table as `created_at`.
    pub when: i64,
    pub migrations_table: TableName,
    /// The migration's SQL.
    pub sql: &'a str,
    pub before: &'a Snapshot,
    pub after: &'a Snapshot,
    /// The declared operations: renames are believed only from here.
    pub operations: &'a [Operation],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Derived {
    Sql(Rollback),
    /// Why a person has to write it.
    NotDerivable(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    pub text: String,
    /// Data that it cannot bring back, one sentence each; empty when it is lossless.
    pub losses: Vec<String>,
}

#[must_use]
pub fn derive(migration: &Migration<'_>) -> Derived {
    match inverse(migration) {
        Ok((operations, statements)) => {
            let losses = losses(&operations);
            Derived::Sql(Rollback { text: text(migration, &operations, &statements, &losses), losses })
        }
        Err(reason) => Derived::NotDerivable(reason),
    }
}

fn inverse(migration: &Migration<'_>) -> Result<(Vec<Operation>, Vec<String>), String> {
    let (before, after) = (migration.before, migration.after);
    only_reversible_statements(migration.sql)?;
    let operations = diff::differences(before, after, migration.operations);
    if let Some(missing) =
        migration.operations.iter().find(|declared| is_rename(declared) && !operations.contains(declared))
    {
        return Err(format!("the snapshots do not show what was declared: {missing}"));
    }
    if operations.is_empty() {
        return Err("the snapshots before and after are equal: what the file does is not known from them".to_owned());
    }
    let views = changed_views(before, after, &views_on_rebuilt(before, after, &operations))?;
    let mut statements: Vec<String> =
        views.iter().map(|view| format!("DROP {} {};", view.kind, view.name.quoted())).collect();
    // Renames are taken back last: until then everything has its new name.
    let moved = follow::moved(before, after, migration.operations);
    let mut back: Vec<&Operation> = operations.iter().rev().collect();
    back.sort_by_key(|operation| turn(operation));
    statements.extend(keys_between_new_tables(after, &operations));
    for operation in back {
        for statement in inverse::of(operation, &moved)? {
            // Two labels of one type are one rebuild; its statements are the same.
            if !statements.contains(&statement) {
                statements.push(statement);
            }
        }
    }
    // Renaming keeps what dropping and adding would rebuild: the index, and with it the guarantee without a gap. Tables have
    // their old names again by now.
    for renamed in follow::renamed_names(before, after, migration.operations) {
        let (old, new) = (truncated(&renamed.old), truncated(&renamed.new));
        if old == new {
            continue;
        }
        statements.push(if renamed.is_index {
            format!("ALTER INDEX {} RENAME TO {};", TableName::new(&renamed.table.schema, new).quoted(), quote(old))
        } else {
            format!("ALTER TABLE {} RENAME CONSTRAINT {} TO {};", renamed.table.quoted(), quote(new), quote(old))
        });
    }
    statements.extend(
        views.iter().rev().map(|view| format!("CREATE {} {} AS ({});", view.kind, view.name.quoted(), view.definition)),
    );
    Ok((operations, statements))
}

/// When an operation is taken back: what hangs on something else before it, what something else hangs on after it.
fn turn(operation: &Operation) -> usize {
    use Operation as O;
    match operation {
        O::CreateView { .. } => 0,
        O::AddForeignKey { replaces: false, .. } => 1,
        O::AddUnique { .. }
        | O::AddCheck { .. }
        | O::AddIndex { .. }
        | O::AddForeignKey { .. }
        | O::CreatePolicy { .. }
        | O::EnableRowSecurity { .. }
        | O::DisableRowSecurity { .. } => 2,
        O::AddColumn { .. } => 3,
        // A type that is made anew afterwards has its old labels.
        O::CreateTable { .. } | O::RenameEnumValue { .. } => 4,
        O::CreateEnum { .. } | O::AddEnumValue { .. } => 5,
        O::DropUnique { .. } => 7,
        O::DropCheck { .. } | O::DropForeignKey { .. } => 8,
        O::RenameColumn { .. } => 9,
        O::RenameTable { .. } => 10,
        _ => 6,
    }
}

/// New tables may refer to each other: none of them can go before the keys between them are gone.
fn keys_between_new_tables(after: &Snapshot, operations: &[Operation]) -> Vec<String> {
    let new = |name: &TableName| {
        operations.iter().any(|operation| matches!(operation, Operation::CreateTable { table, .. } if table == name))
    };
    let mut statements = Vec::new();
    for (key, value) in after.map("tables") {
        let table = named(key, value);
        for (name, foreign) in object(value, "foreignKeys") {
            let schema = string(foreign, "schemaTo");
            let to = TableName::new(if schema.is_empty() { "public" } else { schema }, string(foreign, "tableTo"));
            if to != table && new(&table) && new(&to) {
                let name = truncated(after.name_in_database(key, "foreignKeys", name));
                statements.push(format!("ALTER TABLE {} DROP CONSTRAINT {};", table.quoted(), quote(name)));
            }
        }
    }
    statements
}

fn is_rename(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::RenameColumn { .. } | Operation::RenameTable { .. } | Operation::RenameEnumValue { .. }
    )
}

/// The file may hold only what drizzle-kit writes for the operations that have an inverse here.
fn only_reversible_statements(sql: &str) -> Result<(), String> {
    let parsed = statements::parse(sql);
    if let Some(error) = parsed.errors.first() {
        return Err(format!("line {} of the migration cannot be read: {}", error.line, error.message));
    }
    for statement in &parsed.statements {
        for action in &statement.actions {
            let unknown = matches!(action, Action::Transaction(_) | Action::Dynamic | Action::AlterType { .. });
            if unknown || action.outside().is_some() {
                let first = statement.text.lines().next().unwrap_or_default();
                return Err(format!("line {} cannot be reversed from the snapshots: {first}", statement.line));
            }
        }
    }
    Ok(())
}

struct View {
    kind: &'static str,
    name: TableName,
    /// As it was before the migration.
    definition: String,
    now: String,
}

/// Views that read a column whose type is made anew, and those that read them: PostgreSQL changes no type below a view.
fn views_on_rebuilt(before: &Snapshot, after: &Snapshot, operations: &[Operation]) -> Vec<TableName> {
    let mut found: Vec<TableName> = Vec::new();
    let types = operations.iter().filter_map(|operation| match operation {
        Operation::AddEnumValue { name, .. } | Operation::DropEnumValue { name, .. } => Some(name),
        _ => None,
    });
    let columns: Vec<(TableName, String)> = types
        .flat_map(|name| after.tables().into_iter().map(move |table| (table, name)))
        .flat_map(|(table, name)| {
            let columns = after.columns_of_type(&table, name);
            columns.into_iter().map(move |column| (table.clone(), column))
        })
        .collect();
    loop {
        let reads = |text: &str| {
            let column = |(table, column): &(TableName, String)| {
                follow::mentions(text, &table.name) && follow::mentions(text, column)
            };
            columns.iter().any(column) || found.iter().any(|view| follow::mentions(text, &view.name))
        };
        let more: Vec<TableName> = before
            .map("views")
            .iter()
            .map(|(key, view)| (named(key, view), key))
            .filter(|(name, key)| {
                !found.contains(name)
                    && after.map("views").get(*key).is_some_and(|view| reads(string(view, "definition")))
            })
            .map(|(name, _)| name)
            .collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// Views that drizzle-kit dropped and created again, or that stand in the way, in the order in which they can be dropped.
fn changed_views(before: &Snapshot, after: &Snapshot, in_the_way: &[TableName]) -> Result<Vec<View>, String> {
    let mut views = Vec::new();
    for (key, old) in before.map("views") {
        let Some(new) = after.map("views").get(key) else { continue };
        let unmanaged = old.get("isExisting").and_then(Value::as_bool) == Some(true);
        let name = named(key, old);
        if (old == new && !in_the_way.contains(&name)) || unmanaged {
            continue;
        }
        let plain = ["columns", "definition", "name", "schema", "isExisting", "materialized"];
        if let Some(option) =
            old.as_object().into_iter().flatten().map(|(key, _)| key).find(|key| !plain.contains(&key.as_str()))
        {
            return Err(format!("view {name} has options that are not put back yet: {option}"));
        }
        let materialized = old.get("materialized").and_then(Value::as_bool) == Some(true);
        let (definition, now) = (string(old, "definition").to_owned(), string(new, "definition").to_owned());
        views.push(View { kind: if materialized { "MATERIALIZED VIEW" } else { "VIEW" }, name, definition, now });
    }
    // A view that reads another one goes first.
    let mut ordered: Vec<View> = Vec::new();
    while !views.is_empty() {
        let free = views.iter().position(|view| {
            views.iter().all(|other| other.name == view.name || !other.now.contains(&quote(&view.name.name)))
        });
        let Some(free) = free else {
            return Err("views that read each other have no order in which to drop them".to_owned());
        };
        ordered.push(views.remove(free));
    }
    Ok(ordered)
}

fn losses(operations: &[Operation]) -> Vec<String> {
    operations.iter().flat_map(losses_of).collect()
}

fn losses_of(operation: &Operation) -> Vec<String> {
    match operation {
        Operation::AddColumn { table, column, .. } => vec![format!(
            "all values of {table}.{column} go with the column; only a backup taken before brings them back"
        )],
        Operation::CreateTable { table, .. } => {
            vec![format!("all rows of {table} go with the table; only a backup taken before brings them back")]
        }
        Operation::ChangeType { table, column, from: Some(from), to } => {
            let forth = nature::loss(operation)
                .map(|_| format!("what the migration cut or wrote in another form to fit {table}.{column} into {to}"));
            let back = (!nature::is_lossless(to, from)).then(|| {
                format!(
                    "what was written to {table}.{column} since then and does not fit into {from}: it is cut or rounded, or stops this file"
                )
            });
            forth.into_iter().chain(back).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[path = "rollback_live_tests.rs"]
mod live_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn snapshot(column: &str) -> Snapshot {
        let mut snapshot = Snapshot::empty();
        let unique = format!("users_{column}_unique");
        snapshot.0["tables"]["public.users"] = json!({
            "name": "users", "schema": "",
            "columns": { column: { "name": column, "type": "text", "primaryKey": false, "notNull": true } },
            "uniqueConstraints": { unique.as_str(): { "name": unique, "nullsNotDistinct": false, "columns": [column] } },
        });
        snapshot.0["views"]["public.active"] = json!({
            "name": "active", "schema": "public", "isExisting": false, "materialized": false,
            "columns": { column: { "name": column, "type": "text", "primaryKey": false, "notNull": true } },
            "definition": format!("select \"{column}\" from \"users\""),
        });
        snapshot
    }

    fn of(before: &Snapshot, after: &Snapshot, sql: &str, operations: &[Operation]) -> Derived {
        let (tag, layout) = ("0001_x", Layout::Journal);
        let migrations_table = TableName::new("drizzle", "__drizzle_migrations");
        derive(&Migration { tag, layout, hash: "abc", when: 17, migrations_table, sql, before, after, operations })
    }

    fn rename() -> Operation {
        Operation::RenameColumn {
            table: TableName::new("public", "users"),
            from: "email".into(),
            to: "email_address".into(),
        }
    }

    #[test]
    fn a_rename_goes_back_with_its_constraint_and_its_view() {
        let derived = of(
            &snapshot("email"),
            &snapshot("email_address"),
            "ALTER TABLE users RENAME COLUMN email TO email_address",
            &[rename()],
        );
        let Derived::Sql(rollback) = derived else { panic!("{derived:?}") };
        let expected = [
            r#"DROP VIEW "public"."active";"#,
            r#"ALTER TABLE "public"."users" RENAME COLUMN "email_address" TO "email";"#,
            r#"ALTER TABLE "public"."users" RENAME CONSTRAINT "users_email_address_unique" TO "users_email_unique";"#,
            r#"CREATE VIEW "public"."active" AS (select "email" from "users");"#,
        ]
        .join("\n");
        assert!(rollback.text.starts_with("\\set ON_ERROR_STOP on\n"));
        assert!(rollback.text.contains(&expected), "{}", rollback.text);
        assert_eq!(rollback.losses, [] as [String; 0]);
        let sql = rollback.text.lines().skip(1).collect::<Vec<_>>().join("\n");
        assert_eq!(statements::parse(&sql).errors, []);
    }

    #[test]
    fn the_folders_of_drizzle_kit_1_are_known_by_name_and_the_last_row_is_the_newest() {
        let (before, after) = (snapshot("email"), snapshot("email_address"));
        let (tag, sql) = ("20260101000000_x", "ALTER TABLE users RENAME COLUMN email TO email_address");
        let (migrations_table, operations) = (TableName::new("drizzle", "m"), [rename()]);
        let (layout, before, after) = (Layout::Folders, &before, &after);
        let operations = operations.as_slice();
        let migration =
            Migration { tag, layout, hash: "abc", when: 17, migrations_table, sql, before, after, operations };
        let Derived::Sql(rollback) = derive(&migration) else { panic!() };
        for part in [
            "< 20260101000000_x/rollback.sql\n",
            r#"SELECT hash, name INTO newest FROM "drizzle"."m" ORDER BY id DESC LIMIT 1;"#,
            "OR newest.name IS DISTINCT FROM '20260101000000_x' THEN",
            r#"DELETE FROM "drizzle"."m" WHERE hash = 'abc' AND name = '20260101000000_x';"#,
        ] {
            assert!(rollback.text.contains(part), "{part} in {}", rollback.text);
        }
    }

    #[test]
    fn an_added_column_goes_with_its_values_and_the_file_says_so() {
        let (before, mut after) = (snapshot("email"), snapshot("email"));
        after.0["tables"]["public.users"]["columns"]["a\nb"] =
            json!({ "name": "a\nb", "type": "text", "primaryKey": false, "notNull": false });
        let derived = of(&before, &after, "ALTER TABLE users ADD COLUMN x text", &[]);
        let Derived::Sql(rollback) = derived else { panic!("{derived:?}") };
        assert!(rollback.text.contains("DROP COLUMN \"a\nb\";"));
        assert!(rollback.text.contains("-- Data lost: all values of users.a b go"));
        assert_eq!(rollback.losses.len(), 1);
    }

    #[test]
    fn what_only_the_wider_type_holds_is_told_as_lost() {
        let of_type = |data_type: &str| {
            let mut snapshot = snapshot("email");
            snapshot.0["tables"]["public.users"]["columns"]["email"]["type"] = json!(data_type);
            snapshot
        };
        let sql = "ALTER TABLE users ALTER COLUMN email SET DATA TYPE text";
        for (from, to, lost) in [("varchar(8)", "text", 1), ("integer", "numeric", 1), ("varchar", "text", 0)] {
            let derived = of(&of_type(from), &of_type(to), sql, &[]);
            let Derived::Sql(rollback) = derived else { panic!("{derived:?}") };
            assert_eq!(rollback.losses.len(), lost, "{from} → {to}");
            assert_eq!(rollback.text.contains("Data: nothing is lost."), lost == 0);
        }
    }

    #[test]
    fn what_the_snapshots_do_not_tell_is_not_derived() {
        let (before, after) = (snapshot("email"), snapshot("email_address"));
        let reason = |derived| match derived {
            Derived::NotDerivable(reason) => reason,
            Derived::Sql(rollback) => panic!("{}", rollback.text),
        };
        assert!(
            reason(of(&before, &after, "SELECT 1;\nUPDATE users SET email = ''", &[rename()])).starts_with("line 1 ")
        );
        assert!(reason(of(&before, &after, "DO $$ BEGIN END $$", &[rename()])).contains("cannot be reversed"));
        assert!(reason(of(&before, &after, "", &[])).contains("drop column users.email"));
        assert!(reason(of(&before, &before, "", &[rename()])).contains("do not show what was declared"));
    }
}
