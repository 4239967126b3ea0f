//! Intent and SQL: which statements do what was declared, which follow from it, and which nobody declared.
//!
//! drizzle-kit makes anew what is named after a renamed column or table, or reads it, and rebuilds an enum that loses a
//! value: such statements follow from the declared operation. What a hand added does not.

use super::TableName;
use super::action::{ConstraintKind, CreateIndex, CreateTable};
use super::operation::Operation;
use super::statements::{Action, Statement};

/// Declared operations that no statement does.
#[must_use]
pub fn undone<'a>(operations: &'a [Operation], statements: &[Statement]) -> Vec<&'a Operation> {
    let actions = || statements.iter().flat_map(|statement| &statement.actions);
    let done = |operation: &Operation| match operation {
        Operation::Custom { .. } => !statements.is_empty(),
        operation => actions().any(|action| does(action, operation)),
    };
    operations.iter().filter(|operation| !done(operation)).collect()
}

/// Statements that neither do a declared operation nor follow from one.
#[must_use]
pub fn undeclared<'a>(operations: &[Operation], statements: &'a [Statement]) -> Vec<&'a Statement> {
    let declared = |action: &Action| {
        let of_one = |operation| does(action, operation) || follows(action, operation, statements);
        !converts(action) && operations.iter().any(of_one)
    };
    statements
        .iter()
        .filter(|statement| {
            statement.actions.is_empty() || cascades(statement) || !statement.actions.iter().all(declared)
        })
        .collect()
}

/// Whether it takes along what is not named. Of drizzle-kit's statements only DROP TABLE does so.
fn cascades(statement: &Statement) -> bool {
    let words: Vec<String> = statement
        .text
        .split(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | ')'))
        .filter(|word| !word.is_empty())
        .map(str::to_uppercase)
        .collect();
    let on_event = |at: usize| at > 0 && ["DELETE", "UPDATE"].contains(&words[at - 1].as_str());
    let drops_table = statement.actions.iter().all(|action| matches!(action, Action::DropTable { .. }));
    !drops_table && (0..words.len()).any(|at| words[at] == "CASCADE" && !on_event(at))
}

/// Statements that drop a column or a table which nobody declared to drop.
#[must_use]
pub fn undeclared_drops<'a>(operations: &[Operation], statements: &'a [Statement]) -> Vec<&'a Statement> {
    let lost = |action: &Action| {
        matches!(action, Action::DropColumn { .. } | Action::DropTable { .. })
            && !operations.iter().any(|operation| does(action, operation))
    };
    statements.iter().filter(|statement| statement.actions.iter().any(lost)).collect()
}

fn does(action: &Action, operation: &Operation) -> bool {
    use Action as A;
    use Operation as O;
    match (operation, action) {
        (O::AddColumn { table, column, .. }, A::AddColumn(added)) => (table, column) == (&added.table, &added.column),
        (O::DropColumn { table, column }, A::DropColumn { table: on, column: name, .. })
        | (O::ChangeType { table, column, .. }, A::ChangeType { table: on, column: name, .. })
        | (O::SetNotNull { table, column }, A::SetNotNull { table: on, column: name })
        | (O::DropNotNull { table, column }, A::DropNotNull { table: on, column: name })
        | (O::SetDefault { table, column, .. }, A::SetDefault { table: on, column: name, .. })
        | (O::DropDefault { table, column }, A::DropDefault { table: on, column: name }) => {
            (table, column) == (on, name)
        }
        (O::RenameColumn { table, from, to }, A::RenameColumn { table: on, from: old, to: new }) => {
            (table, from, to) == (on, old, new)
        }
        (O::AddUnique { table, columns, .. }, A::AddUnique { table: on, columns: of, .. }) => {
            (table, columns) == (on, of)
        }
        (
            O::AddCheck { table, name, .. },
            A::AddConstraint { table: on, kind: ConstraintKind::Check, name: of, .. },
        ) => table == on && of.as_ref() == Some(name),
        (
            O::AddForeignKey { table, columns, to, to_columns, .. },
            A::AddForeignKey { table: on, columns: of, to: refers, to_columns: keys, .. },
        ) => (table, columns, to, to_columns) == (on, of, refers, keys),
        (
            O::DropUnique { table, name } | O::DropCheck { table, name } | O::DropForeignKey { table, name },
            A::DropConstraint { table: on, name: of, .. },
        ) => (table, name) == (on, of),
        (O::AddIndex { table, name, unique, .. }, A::CreateIndex(made)) => {
            *table == made.table && *unique == made.unique && (name.is_none() || *name == made.name)
        }
        (O::DropIndex { table, name }, A::DropIndex { name: of, .. }) => table.beside(name) == *of,
        (O::CreateTable { table, .. }, A::CreateTable(CreateTable { table: on, .. }))
        | (O::DropTable { table }, A::DropTable { table: on, .. }) => table == on,
        (O::RenameTable { table, to }, A::RenameTable { table: on, to: new }) => (table, to) == (on, new),
        // Where a value goes and another comes, the type is made anew with both.
        (
            O::CreateEnum { name, .. } | O::DropEnumValue { name, .. } | O::AddEnumValue { name, .. },
            A::CreateType { name: of, .. },
        )
        | (O::DropEnum { name }, A::DropType { name: of, .. }) => name == of,
        (O::AddEnumValue { name, value }, A::AddEnumValue { name: of, value: added, .. }) => {
            (name, value) == (of, added)
        }
        (O::RenameEnumValue { name, from, to }, A::RenameEnumValue { name: of, from: old, to: new }) => {
            (name, from, to) == (of, old, new)
        }
        (O::CreateView { view, .. } | O::ChangeView { view, .. }, A::CreateView { name, .. })
        | (O::DropView { view }, A::DropView { name, .. }) => view == name,
        (
            O::CreatePolicy { table, name } | O::ChangePolicy { table, name } | O::DropPolicy { table, name },
            A::Policy { table: on, name: of, .. },
        ) => (table, name) == (on, of),
        (O::EnableRowSecurity { table }, A::RowSecurity { table: on, enable: true, force: false })
        | (O::DisableRowSecurity { table }, A::RowSecurity { table: on, enable: false, force: false }) => table == on,
        _ => false,
    }
}

fn follows(action: &Action, operation: &Operation, all: &[Statement]) -> bool {
    use Action as A;
    use Operation as O;
    let drops = |table: &TableName, name: &Option<String>| match action {
        A::DropConstraint { table: on, name: of, .. } => table == on && name.as_ref().is_none_or(|name| name == of),
        A::DropIndex { name: of, .. } => name.as_ref().is_none_or(|name| table.beside(name) == *of),
        _ => false,
    };
    match operation {
        O::Custom { .. } => !matches!(action, A::DropColumn { .. } | A::DropTable { .. }),
        O::RenameColumn { table, .. } => remade(action, table, table),
        O::RenameTable { table, to } => {
            let now = table.beside(to);
            let keys = matches!(action, A::DropConstraint { name, .. } if names(name, &table.name));
            keys || remade(action, table, &now)
        }
        O::DropColumn { table, .. } => drops(table, &None),
        O::DropTable { table } => {
            let inside = |on: &TableName| on == table;
            match action {
                A::DropConstraint { name, .. } => names(name, &table.name),
                A::RowSecurity { table: on, enable: false, force: false } | A::Policy { table: on, .. } => inside(on),
                _ => false,
            }
        }
        O::ChangeType { table, column, .. } => match action {
            A::SetDefault { table: on, column: of, .. } | A::DropDefault { table: on, column: of } => {
                (table, column) == (on, of)
            }
            _ => false,
        },
        // The type is made anew, and its columns pass through text: those that come to be of it again, and no others.
        O::DropEnumValue { name, .. } => {
            let of_type = |table: &TableName, column: &String| {
                all.iter().flat_map(|statement| &statement.actions).any(|other| {
                    matches!(other, A::ChangeType { table: on, column: of, data_type, .. }
                        if (on, of) == (table, column) && names(data_type, &name.name))
                })
            };
            match action {
                A::DropType { name: of, .. } => name == of,
                A::ChangeType { table, column, data_type, .. } => {
                    names(data_type, &name.name) || (data_type == "text" && of_type(table, column))
                }
                A::SetDefault { table, column, .. } | A::DropDefault { table, column } => of_type(table, column),
                _ => false,
            }
        }
        O::CreateTable { table, .. } => match action {
            A::CreateIndex(CreateIndex { table: on, .. })
            | A::AddUnique { table: on, .. }
            | A::AddForeignKey { table: on, .. }
            | A::AddConstraint { table: on, .. }
            | A::Policy { table: on, .. }
            | A::RowSecurity { table: on, enable: true, force: false } => table == on,
            _ => false,
        },
        O::CreatePolicy { table, .. } => {
            matches!(action, A::RowSecurity { table: on, enable: true, force: false } if on == table)
        }
        O::DropPolicy { table, .. } => {
            matches!(action, A::RowSecurity { table: on, enable: false, force: false } if on == table)
        }
        O::ChangeView { view, .. } => matches!(action, A::DropView { name, .. } if name == view),
        O::AddCheck { table, name, replaces: true, .. } => drops(table, &Some(name.clone())),
        O::AddUnique { table, name, replaces: true, .. }
        | O::AddForeignKey { table, name, replaces: true, .. }
        | O::AddIndex { table, name, replaces: true, .. } => drops(table, name),
        _ => false,
    }
}

/// Whether a changed type comes with values of somebody's own: a conversion that is more than a cast of the column to its new
/// type, through text at most.
fn converts(action: &Action) -> bool {
    let Action::ChangeType { column, data_type, using: Some(using), .. } = action else { return false };
    let plain = |text: &str| text.replace("\"public\".", "").replace("public.", "").replace('"', "").to_lowercase();
    let parts: Vec<&str> = using.trim_matches(['(', ')']).split("::").map(str::trim).collect();
    let cast = match parts.as_slice() {
        [of] => Some((of, None)),
        [of, to] | [of, "text" | "text[]", to] => Some((of, Some(*to))),
        _ => None,
    };
    !cast.is_some_and(|(of, to)| {
        super::action::unquoted(of) == *column && to.is_none_or(|to| plain(to) == plain(data_type))
    })
}

/// What drizzle-kit drops and makes again around a rename.
fn remade(action: &Action, before: &TableName, now: &TableName) -> bool {
    use Action as A;
    let on = |table: &TableName| table == before || table == now;
    match action {
        A::AddUnique { table, .. }
        | A::AddConstraint { table, .. }
        | A::DropConstraint { table, .. }
        | A::RenameConstraint { table, .. }
        | A::CreateIndex(CreateIndex { table, .. }) => on(table),
        // A key of another table may refer to it.
        A::AddForeignKey { table, to, .. } => on(table) || on(to),
        A::DropIndex { .. } | A::CreateView { .. } | A::DropView { .. } => true,
        _ => false,
    }
}

/// Whether a text has a name in it as a word of its own, as drizzle's names of constraints do: `sessions_client_id_users_id_fk`.
fn names(text: &str, name: &str) -> bool {
    let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    text.match_indices(name)
        .any(|(at, _)| apart(text[..at].chars().next_back()) && apart(text[at + name.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::statements;

    fn extra(operations: &[Operation], sql: &str) -> Vec<usize> {
        let parsed = statements::parse(sql).statements;
        undeclared(operations, &parsed).iter().map(|statement| statement.line).collect()
    }

    fn users() -> TableName {
        TableName::new("public", "users")
    }

    #[test]
    fn what_follows_from_a_rename_is_declared_and_everything_else_is_named() {
        let rename = [Operation::RenameColumn { table: users(), from: "email".into(), to: "email_address".into() }];
        let made = r#"DROP VIEW "public"."active_users";--> statement-breakpoint
ALTER TABLE "users" RENAME COLUMN "email" TO "email_address";--> statement-breakpoint
ALTER TABLE "users" DROP CONSTRAINT "users_email_unique";--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_email_address_unique" UNIQUE("email_address");--> statement-breakpoint
CREATE VIEW "public"."active_users" AS (select "id", "email_address" from "users");"#;
        assert_eq!(extra(&rename, made), [] as [usize; 0]);
        for more in [
            "DELETE FROM users;",
            "UPDATE users SET name = '';",
            r#"ALTER TABLE "workouts" ADD COLUMN "x" text;"#,
            r#"ALTER TABLE "workouts" DROP CONSTRAINT "workouts_pkey";"#,
            "DO $$ BEGIN END $$;",
            "TRUNCATE users;",
        ] {
            assert_eq!(extra(&rename, &format!("{made}\n{more}")), [6], "{more}");
        }
    }

    /// As drizzle-kit 0.31.11 writes it.
    #[test]
    fn a_rebuilt_enum_is_the_dropped_value_and_no_more() {
        let drop = [Operation::DropEnumValue { name: TableName::new("public", "muscle_group"), value: "core".into() }];
        let made = r#"ALTER TABLE "exercises" ALTER COLUMN "muscle_group" SET DATA TYPE text;--> statement-breakpoint
DROP TYPE "public"."muscle_group";--> statement-breakpoint
CREATE TYPE "public"."muscle_group" AS ENUM('legs', 'back');--> statement-breakpoint
ALTER TABLE "exercises" ALTER COLUMN "muscle_group" SET DATA TYPE "public"."muscle_group" USING "muscle_group"::"public"."muscle_group";"#;
        assert_eq!(extra(&drop, made), [] as [usize; 0]);
        assert_eq!(undone(&drop, &statements::parse(made).statements), [] as [&Operation; 0]);
        let own = r#"ALTER TABLE "exercises" ALTER COLUMN "muscle_group" SET DEFAULT 'legs';"#;
        assert_eq!(extra(&drop, &format!("{made}\n{own}")), [] as [usize; 0]);
        for rest in ["SET DATA TYPE uuid", "SET DATA TYPE text", "DROP DEFAULT"] {
            let more = format!("{made}\nALTER TABLE \"exercises\" ALTER COLUMN \"name\" {rest};");
            assert_eq!(extra(&drop, &more), [5], "{rest}");
        }
        let add = Operation::AddEnumValue { name: TableName::new("public", "muscle_group"), value: "arms".into() };
        assert_eq!(undone(&[drop[0].clone(), add], &statements::parse(made).statements), [] as [&Operation; 0]);
        let rename = [Operation::RenameEnumValue {
            name: TableName::new("public", "muscle_group"),
            from: "core".into(),
            to: "trunk".into(),
        }];
        assert_eq!(undone(&rename, &statements::parse(made).statements).len(), 1, "a rebuild is no rename");
    }

    #[test]
    fn what_takes_others_along_is_named_but_for_a_dropped_table() {
        let drop = [Operation::DropColumn { table: users(), column: "note".into() }];
        assert_eq!(extra(&drop, "ALTER TABLE users DROP COLUMN note;"), [] as [usize; 0]);
        assert_eq!(extra(&drop, "ALTER TABLE users DROP COLUMN note CASCADE;"), [1]);
        let key = [Operation::AddForeignKey {
            table: users(),
            name: None,
            columns: vec!["a".into()],
            to: users(),
            to_columns: vec!["id".into()],
            on_delete: Some("cascade".into()),
            on_update: None,
            replaces: false,
        }];
        let sql = "ALTER TABLE users ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES users (id) ON DELETE cascade ON UPDATE no action;";
        assert_eq!(extra(&key, sql), [] as [usize; 0]);
    }

    #[test]
    fn a_changed_type_may_cast_its_column_and_a_conversion_of_ones_own_is_named() {
        let retype = |to: &str| {
            let (from, to) = (None, to.to_owned());
            [Operation::ChangeType { table: users(), column: "age".into(), from, to }]
        };
        let line = |using: &str| format!(r#"ALTER TABLE "users" ALTER COLUMN "age" SET DATA TYPE integer{using};"#);
        for using in ["", " USING age", r#" USING "age"::integer"#, r#" USING ("age"::text::integer)"#] {
            assert_eq!(extra(&retype("integer"), &line(using)), [] as [usize; 0], "{using}");
        }
        for using in [
            " USING 0",
            r#" USING "name"::integer"#,
            r#" USING "age"::smallint::integer"#,
            r#" USING nullif("age", '')::integer"#,
            r#" USING "age"::text"#,
        ] {
            let sql = line(using);
            assert_eq!(extra(&retype("integer"), &sql), [1], "{using}");
            assert_eq!(undone(&retype("integer"), &statements::parse(&sql).statements), [] as [&Operation; 0]);
        }
    }

    #[test]
    fn a_dropped_table_takes_the_keys_that_refer_to_it_along() {
        let drop = [Operation::DropTable { table: TableName::new("public", "exercises") }];
        let made = "ALTER TABLE \"exercises\" DISABLE ROW LEVEL SECURITY;\nDROP TABLE \"exercises\" CASCADE;\nALTER TABLE \"workout_exercises\" DROP CONSTRAINT \"workout_exercises_exercise_id_exercises_id_fk\";";
        assert_eq!(extra(&drop, made), [] as [usize; 0]);
        let parsed =
            statements::parse("DROP TABLE exercises; DROP TABLE users; ALTER TABLE users DROP COLUMN x").statements;
        assert_eq!(undeclared_drops(&drop, &parsed).len(), 2);
    }
}
