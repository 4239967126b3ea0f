//! What SQL of a person's own touches, as far as its text says: the tables, the columns that an UPDATE sets, the tables
//! whose rows come or go.
//!
//! Invariant: what cannot be read off (a DO block, a function that is called) is listed as such, never left out.

use std::collections::BTreeSet;

use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

use super::TableName;
use super::read::actions;
use super::read::tree::{named, names};
use super::statements::{Action, position};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Tables that it writes to, or that something of its own stands on.
    pub tables: BTreeSet<TableName>,
    /// Columns that an UPDATE sets, as `table.column`.
    pub writes: BTreeSet<String>,
    /// Tables that get rows, or lose some.
    pub rows: BTreeSet<TableName>,
    /// Line and first words of each statement that runs what cannot be read from here.
    pub unread: Vec<(usize, String)>,
}

/// Reads a file, or a part of one.
#[must_use]
pub fn of(sql: &str) -> Effects {
    let mut found = Effects::default();
    let file = SourceFile::parse(sql).syntax_node();
    for node in file.children().filter(|node| node.kind() != SyntaxKind::EMPTY_STMT) {
        if !statement(&node, &mut found) {
            let (line, _) = position(sql, usize::from(node.text_range().start()));
            let text = node.text().to_string();
            let words: Vec<&str> = text.split_whitespace().take(3).collect();
            found.unread.push((line, words.join(" ")));
        }
    }
    found
}

/// Whether it could be read.
fn statement(node: &SyntaxNode, found: &mut Effects) -> bool {
    use SyntaxKind as K;
    match node.kind() {
        // Their bodies run when they are called, and not here.
        K::CREATE_FUNCTION | K::CREATE_PROCEDURE | K::DROP_FUNCTION | K::DROP_PROCEDURE | K::CREATE_RULE => true,
        K::CREATE_TRIGGER | K::DROP_TRIGGER | K::ALTER_TRIGGER => {
            let on = node.children().find(|part| part.kind() == K::ON_RELATION);
            found.tables.extend(on.iter().flat_map(|on| named(on, K::RELATION_NAME_REF)));
            on.is_some()
        }
        K::COMMENT_ON | K::GRANT | K::REVOKE | K::CREATE_EXTENSION | K::CREATE_SEQUENCE | K::SET | K::RESET => true,
        K::UPDATE | K::INSERT | K::DELETE | K::TRUNCATE => written(node, found),
        // Reads, and writes where a part of it does, or a function that it calls.
        K::SELECT | K::COMPOUND_SELECT | K::VALUES => {
            let calls = node.descendants().any(|part| part.kind() == K::CALL_EXPR);
            written(node, found) && !calls
        }
        _ => of_table(&actions(node), found),
    }
}

/// Rows that a statement writes, those of its WITH too.
fn written(node: &SyntaxNode, found: &mut Effects) -> bool {
    use SyntaxKind as K;
    for part in node.descendants() {
        match part.kind() {
            K::UPDATE => {
                let Some(table) = target(&part) else { return false };
                let set = part.children().filter(|child| child.kind() == K::SET_CLAUSE);
                let columns: Vec<String> = set
                    .flat_map(|set| {
                        set.descendants().filter(|part| part.kind() == K::COLUMN_TARGET).collect::<Vec<_>>()
                    })
                    .filter_map(|column| names(&column, K::COLUMN_NAME_REF).into_iter().next())
                    .collect();
                if columns.is_empty() {
                    return false;
                }
                found.writes.extend(columns.iter().map(|column| format!("{table}.{column}")));
                found.tables.insert(table);
            }
            K::INSERT | K::DELETE => {
                let Some(table) = target(&part) else { return false };
                found.rows.insert(table.clone());
                found.tables.insert(table);
            }
            K::TRUNCATE => {
                let tables: Vec<TableName> = named(&part, K::TABLE_NAME_REF).collect();
                found.rows.extend(tables.iter().cloned());
                found.tables.extend(tables);
            }
            K::MERGE => return false,
            _ => {}
        }
    }
    true
}

/// The table that an INSERT, UPDATE or DELETE is about.
fn target(node: &SyntaxNode) -> Option<TableName> {
    use SyntaxKind as K;
    let part = node.children().find(|child| matches!(child.kind(), K::RELATION_NAME | K::RELATION_NAME_REF))?;
    named(&part, K::RELATION_NAME_REF).next()
}

/// What is defined on tables; anything that is not known by name was not read.
fn of_table(actions: &[Action], found: &mut Effects) -> bool {
    for action in actions {
        match action {
            Action::DropIndex { .. }
            | Action::CreateView { .. }
            | Action::DropView { .. }
            | Action::CreateType { .. }
            | Action::DropType { .. }
            | Action::AddEnumValue { .. }
            | Action::RenameEnumValue { .. }
            | Action::AlterType { .. } => {}
            // A table's own coming, going or new name is in the snapshots, or is not what drizzle-kit knows.
            Action::RenameTable { .. }
            | Action::DropTable { .. }
            | Action::CreateTable(_)
            | Action::Transaction(_)
            | Action::Dynamic => return false,
            action if action.outside().is_some() => return false,
            Action::ChangeType { table, column, .. } => {
                found.writes.insert(format!("{table}.{column}"));
                found.tables.insert(table.clone());
            }
            // A key's other table is read, and stays as it is.
            action => found.tables.extend(action.tables().first().copied().cloned()),
        }
    }
    !actions.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(sql: &str) -> (Vec<String>, Vec<String>, Vec<String>, Vec<usize>) {
        let found = of(sql);
        let names = |of: &BTreeSet<TableName>| of.iter().map(ToString::to_string).collect::<Vec<_>>();
        let lines = found.unread.iter().map(|(line, _)| *line).collect();
        (names(&found.tables), found.writes.into_iter().collect(), names(&found.rows), lines)
    }

    #[test]
    fn written_tables_and_columns_are_read_and_a_function_runs_nothing_by_being_made() {
        let (tables, writes, rows, unread) = words(
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE secret SET x = 1; RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON \"workouts\" FOR EACH ROW EXECUTE FUNCTION f();
UPDATE ONLY public.users AS u SET name = lower(u.name), (a, \"B\") = (1, 2) FROM workouts w WHERE w.trainer_id = u.id;
WITH gone AS (DELETE FROM invites RETURNING email) INSERT INTO old_invites (email) SELECT email FROM gone;
COMMENT ON TABLE users IS 'x';",
        );
        assert_eq!(tables, ["invites", "old_invites", "users", "workouts"]);
        assert_eq!(writes, ["users.B", "users.a", "users.name"]);
        assert_eq!(rows, ["invites", "old_invites"]);
        assert_eq!(unread, [] as [usize; 0]);
    }

    #[test]
    fn what_runs_sql_that_is_not_in_sight_is_named_with_its_line() {
        for sql in [
            "DO $$ BEGIN DELETE FROM users; END $$;",
            "SELECT setval('x', 1);",
            "CALL p();",
            "MERGE INTO a USING b ON a.id = b.id WHEN MATCHED THEN DELETE;",
            "COPY users FROM stdin;",
            "DROP TABLE users;",
        ] {
            assert_eq!(words(&format!("UPDATE a SET b = 1;\n{sql}")).3, [2], "{sql}");
        }
        assert_eq!(of("DO $$ BEGIN END $$").unread, [(1, "DO $$ BEGIN".to_owned())]);
        assert_eq!(of("SELECT 1").unread, []);
    }
}
