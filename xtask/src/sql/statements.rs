//! A migration file as statements and the actions in them, read by squawk's PostgreSQL parser.
//!
//! Invariant: nothing disappears; a statement without a readable action has none that may be taken for harmless.

use squawk_syntax::{Parse, SourceFile, SyntaxKind};

pub use super::action::Action;
use super::read;
use crate::sql::TableName;

/// A file, split.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    pub statements: Vec<Statement>,
    pub errors: Vec<SyntaxError>,
}

/// One statement, with its place in the file (both counted from 1, columns in characters).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub text: String,
    pub line: usize,
    pub column: usize,
    /// Its bytes in the file, without the semicolon.
    pub start: usize,
    pub end: usize,
    /// One action, or more in an `ALTER TABLE` with a list.
    pub actions: Vec<Action>,
    /// Tables and views that its queries read, also in a FROM of a subquery.
    pub reads: Vec<TableName>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Its byte in the file.
    pub at: usize,
    pub line: usize,
    pub column: usize,
    pub message: String,
}

/// Splits and reads a file. Names are taken even where errors were found; the caller decides what a broken file is worth.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    read(&SourceFile::parse(text), &mut Reading::of(text), 0)
}

/// As [`parse`], from the tree of the part of a file that begins at a byte.
#[must_use]
pub(super) fn read(parse: &Parse<SourceFile>, reading: &mut Reading<'_>, from: usize) -> Parsed {
    let errors = parse.errors();
    let mut place = Reading::of(reading.text);
    let errors = errors
        .iter()
        .map(|error| {
            let at = from + usize::from(error.range().start());
            let (line, column) = place.position(at);
            SyntaxError { at, line, column, message: error.message().to_owned() }
        })
        .collect();
    let statements = parse
        .syntax_node()
        .children()
        .filter(|node| node.kind() != SyntaxKind::EMPTY_STMT)
        .map(|node| {
            let range = node.text_range();
            let (start, end) = (from + usize::from(range.start()), from + usize::from(range.end()));
            let statement = reading.text.get(start..end).unwrap_or_default().trim_end_matches(';').trim();
            let (line, column) = reading.position(start);
            Statement {
                text: statement.to_owned(),
                line,
                column,
                start,
                end: start + statement.len(),
                actions: read::actions(&node),
                reads: read::reads(&node),
            }
        })
        .collect();
    Parsed { statements, errors }
}

/// Line and column of one byte after the other: each byte of the file is looked at once, however long its lines are.
#[derive(Clone, Copy)]
pub struct Reading<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    column: usize,
}

impl Reading<'_> {
    #[must_use]
    pub fn of(text: &str) -> Reading<'_> {
        Reading { text, at: 0, line: 1, column: 1 }
    }

    pub fn position(&mut self, at: usize) -> (usize, usize) {
        if at < self.at {
            *self = Reading::of(self.text);
        }
        for character in self.text.get(self.at..at).unwrap_or_default().chars() {
            if character == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
        self.at = at;
        (self.line, self.column)
    }
}

/// Line and column of a byte offset, from 1.
#[must_use]
pub fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::action::{Column, Control};

    fn only(sql: &str) -> Action {
        let parsed = parse(sql);
        assert_eq!(parsed.errors, []);
        assert_eq!(parsed.statements.len(), 1, "{parsed:?}");
        parsed.statements[0].actions[0].clone()
    }

    fn users() -> TableName {
        TableName::new("public", "users")
    }

    #[test]
    fn statements_of_a_generated_file_have_lines_and_unquoted_names() {
        let parsed = parse(
            "DROP VIEW \"public\".\"active users\";--> statement-breakpoint\nALTER TABLE \"users\" RENAME COLUMN \"email\" TO \"Email \"\"x\"\"\";",
        );
        assert_eq!(
            parsed.statements[0].actions,
            [Action::DropView { name: TableName::new("public", "active users"), materialized: false, cascade: false }]
        );
        let rename = Action::RenameColumn { table: users(), from: "email".into(), to: "Email \"x\"".into() };
        assert_eq!((parsed.statements[1].line, &parsed.statements[1].actions[0]), (2, &rename));
    }

    #[test]
    fn an_added_column_is_read_with_type_default_and_inline_constraints() {
        let action = only(
            "ALTER TABLE \"app\".\"users\" ADD COLUMN \"x\" varchar(20)[] DEFAULT gen_random_uuid() NOT NULL REFERENCES \"t\"(\"id\")",
        );
        let expected = Column {
            table: TableName::new("app", "users"),
            column: "x".into(),
            data_type: "varchar(20)[]".into(),
            not_null: true,
            default: Some("gen_random_uuid()".into()),
            unique: false,
            primary_key: false,
            check: None,
            references: Some((TableName::new("public", "t"), vec!["id".into()])),
            reference_rules: String::new(),
            generated: None,
            collation: None,
            if_not_exists: false,
        };
        assert_eq!(action, Action::AddColumn(expected));
    }

    #[test]
    fn constraints_are_read_with_their_columns() {
        let unique = Action::AddUnique {
            table: users(),
            name: Some("u".into()),
            columns: vec!["a".into(), "b".into()],
            using_index: None,
            nulls_not_distinct: false,
        };
        assert_eq!(only("alter table users add constraint u unique (a, b)"), unique);
        let key = Action::AddForeignKey {
            table: users(),
            name: None,
            columns: vec!["a".into()],
            to: TableName::new("public", "t"),
            to_columns: vec!["id".into()],
            rules: "on delete cascade".into(),
            not_valid: true,
        };
        assert_eq!(
            only("alter table only users add foreign key (a) references t(id) on delete cascade not valid"),
            key
        );
    }

    #[test]
    fn what_a_foreign_key_says_of_its_parent_is_kept_also_beside_other_actions() {
        let rules = |sql: &str| match parse(sql).statements[0].actions.as_slice() {
            [Action::AddForeignKey { rules, .. }, ..] => rules.clone(),
            [Action::AddColumn(column), ..] => column.reference_rules.clone(),
            other => panic!("{other:?}"),
        };
        let key = "ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (x, y) REFERENCES b";
        assert_eq!(rules(&format!("{key} (x, y)")), "");
        assert_eq!(rules(&format!("{key} NOT VALID")), "");
        assert_eq!(
            rules(&format!("{key} (x, y) MATCH FULL\n ON DELETE -- why\n CASCADE NOT VALID, DROP c")),
            "MATCH FULL ON DELETE CASCADE"
        );
        assert_eq!(rules(&format!("{key} (x, y) ON DELETE SET NULL (y), DROP c")), "ON DELETE SET NULL ( y )");
        assert_eq!(
            rules("ALTER TABLE a ADD x int DEFAULT 1 REFERENCES b (id) ON UPDATE CASCADE NOT NULL"),
            "ON UPDATE CASCADE"
        );
    }

    #[test]
    fn each_action_of_a_list_is_seen() {
        let parsed = parse(
            "ALTER TABLE users DROP COLUMN a, ALTER COLUMN b SET DATA TYPE integer, ALTER b SET NOT NULL, RENAME TO people, ALTER c DROP DEFAULT",
        );
        let found = &parsed.statements[0].actions;
        assert_eq!(found[0], Action::DropColumn { table: users(), column: "a".into(), cascade: false });
        assert_eq!(
            found[1],
            Action::ChangeType {
                table: users(),
                column: "b".into(),
                data_type: "integer".into(),
                using: None,
                collation: None
            }
        );
        assert_eq!(found[2], Action::SetNotNull { table: users(), column: "b".into() });
        assert_eq!(found[4], Action::DropDefault { table: users(), column: "c".into() });
    }

    #[test]
    fn a_renamed_table_keeps_only_its_new_name() {
        assert_eq!(
            only("ALTER TABLE users RENAME TO \"People\""),
            Action::RenameTable { table: users(), to: "People".into() }
        );
    }

    #[test]
    fn a_do_block_is_dynamic_and_a_commit_is_transaction_control() {
        assert_eq!(only("DO $$ BEGIN EXECUTE 'drop table users'; END $$"), Action::Dynamic);
        assert_eq!(only("COMMIT"), Action::Transaction(Control::Commit));
    }

    #[test]
    fn an_error_has_its_place() {
        let parsed = parse("SELECT 1;\nALTER TABLE users ADD COLUMN;");
        assert_eq!(parsed.errors[0].line, 2);
    }
}
