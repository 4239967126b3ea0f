//! Findings about a migration file: what loses data, breaks running code, may fail, or blocks others, each with what decided it.
//!
//! Invariant: what could not be judged (dynamic SQL, no database to ask, a question that failed) is reported as such, never left out.
//! Ids are those of the hazard catalogue. A new hazard is one arm of [`Review::action`] and one test.

use super::TableName;
use super::action::ConstraintKind;
pub use super::finding::{DecidedBy, Finding, Severity};
use super::review_live::{Answer, Live};
use super::statements::{self, Action, Statement};
use anyhow::Result;
use postgres::Client;

/// Tables below this many rows are indexed and scanned in well under a second (facts of the project: 10,000 rows in 10 ms).
const SMALL: i64 = 10_000;

/// Reviews one file; `live` is asked with read-only counts about the state before the migration. Its timeouts are the caller's.
pub fn review(file_text: &str, live: Option<&mut Client>) -> Result<Vec<Finding>> {
    let parsed = statements::parse(file_text);
    let all: Vec<Action> = parsed.statements.iter().flat_map(|statement| statement.actions.clone()).collect();
    let mut review = Review { live: Live::new(live), all, found: Vec::new() };
    for error in &parsed.errors {
        let line = file_text.lines().nth(error.line.saturating_sub(1)).unwrap_or_default().trim().to_owned();
        review.found.push(Finding {
            id: "syntax".to_owned(),
            class: "syntax".to_owned(),
            severity: Severity::Error,
            title: format!("not valid SQL: {}", error.message),
            line: error.line,
            column: error.column,
            statement: line,
            lock: None,
            blocks: None,
            decided_by: DecidedBy::Static,
            remedy: "correct the statement".to_owned(),
        });
    }
    for statement in &parsed.statements {
        if statement.actions.is_empty() {
            review.not_judged(statement, "a statement that could not be read");
        }
        for action in &statement.actions {
            review.action(statement, action);
            review.live.passed(action);
        }
    }
    Ok(review.found)
}

pub(super) struct Review<'a> {
    pub(super) live: Live<'a>,
    /// Every action of the file.
    pub(super) all: Vec<Action>,
    found: Vec<Finding>,
}

/// The parts of a finding that differ; class and place are added.
pub(super) struct Draft {
    pub(super) id: &'static str,
    pub(super) class: &'static str,
    pub(super) severity: Severity,
    pub(super) title: String,
    pub(super) lock: Option<(&'static str, &'static str)>,
    pub(super) decided_by: DecidedBy,
    pub(super) remedy: &'static str,
}

/// Lock and what it blocks (PostgreSQL 15 docs, 13.3.1).
pub(super) const ACCESS_EXCLUSIVE: Option<(&str, &str)> = Some(("ACCESS EXCLUSIVE", "reads and writes"));
pub(super) const SHARE_ROW_EXCLUSIVE: Option<(&str, &str)> = Some(("SHARE ROW EXCLUSIVE", "writes"));
pub(super) const SHARE: Option<(&str, &str)> = Some(("SHARE", "writes"));

impl Review<'_> {
    fn action(&mut self, statement: &Statement, action: &Action) {
        match action {
            Action::DropTable { table, .. } => self.drop_table(statement, table),
            Action::DropColumn { table, column, .. } => self.drop_column(statement, table, column),
            Action::RenameColumn { table, from, to } => self.add(statement, Draft {
                id: "H10",
                class: "breaks_code",
                severity: Severity::Error,
                title: format!("renames column {table}.{from} to {to}: code that still reads the old name fails at once"),
                lock: ACCESS_EXCLUSIVE,
                decided_by: DecidedBy::Static,
                remedy: "expand and contract (add, write both, backfill, switch, drop), or deploy code and migration together and accept the gap",
            }),
            Action::RenameTable { table, to } => self.add(statement, Draft {
                id: "H11",
                class: "breaks_code",
                severity: Severity::Error,
                title: format!("renames table {table} to {to}: code that still uses the old name fails at once"),
                lock: ACCESS_EXCLUSIVE,
                decided_by: DecidedBy::Static,
                remedy: "leave a view with the old name until the old code is gone",
            }),
            Action::AddColumn(column) => self.add_column(statement, column),
            Action::SetNotNull { table, column } if !self.live.is_new(table) => {
                let nulls = self.live.nulls(table, column);
                let (severity, decided_by) = self.by_data(table, &nulls, "NULLs");
                self.add(statement, Draft {
                    id: "H30",
                    class: "may_fail",
                    severity,
                    title: format!("sets {table}.{column} NOT NULL: fails where a row holds NULL, and scans the table"),
                    lock: ACCESS_EXCLUSIVE,
                    decided_by,
                    remedy: "fill the NULLs first; then CHECK … NOT VALID, VALIDATE, SET NOT NULL",
                });
            }
            Action::AddUnique { table, columns, using_index: None, nulls_not_distinct, .. } if !self.live.is_new(table) => {
                let duplicates = self.live.duplicates(table, columns, *nulls_not_distinct);
                let (severity, decided_by) = self.by_data(table, &duplicates, "values occur more than once");
                let columns = columns.join(", ");
                self.add(statement, Draft {
                    id: "H33",
                    class: "may_fail",
                    severity,
                    title: format!("makes {table}({columns}) unique: fails on duplicates, and builds an index under the lock"),
                    lock: ACCESS_EXCLUSIVE,
                    decided_by,
                    remedy: "remove the duplicates first; on a large table build the index concurrently",
                });
            }
            Action::AddForeignKey { table, columns, to, to_columns, not_valid: false, .. } if !self.live.is_new(table) => {
                let orphans = self.live.orphans(table, columns, to, to_columns);
                let (severity, decided_by) = self.by_data(table, &orphans, "rows without a parent");
                let columns = columns.join(", ");
                self.add(statement, Draft {
                    id: "H32",
                    class: "may_fail",
                    severity,
                    title: format!("ties {table}({columns}) to {to}: fails on rows without a parent, and scans the table"),
                    lock: SHARE_ROW_EXCLUSIVE,
                    decided_by,
                    remedy: "mend the orphans first; on a large table NOT VALID, then VALIDATE in another run",
                });
            }
            Action::AddConstraint { table, kind, .. } if !self.live.is_new(table) => self.add(statement, Draft {
                id: if *kind == ConstraintKind::PrimaryKey { "H34" } else { "H31" },
                class: "may_fail",
                severity: Severity::Warning,
                title: format!("adds a {} constraint to {table}: fails on rows that break it, and scans the table", kind.words()),
                lock: ACCESS_EXCLUSIVE,
                decided_by: DecidedBy::NotJudged("the rows were not checked against it".to_owned()),
                remedy: "the rehearsal shows whether the rows hold; on a large table NOT VALID, then VALIDATE in another run",
            }),
            Action::DropConstraint { table, name, .. } => self.drop_constraint(statement, table, name),
            Action::ChangeType { table, column, data_type, .. } => self.change_type(statement, table, column, data_type),
            Action::CreateIndex(index) => self.create_index(statement, &index.table, index.unique, index.concurrently),
            Action::DropIndex { name, .. } => self.add(statement, Draft {
                id: "H62",
                class: "lock",
                severity: Severity::Note,
                title: format!("drops index {name}: queries that used it become slow"),
                lock: ACCESS_EXCLUSIVE,
                decided_by: DecidedBy::Static,
                remedy: "see in pg_stat_user_indexes that nothing uses it",
            }),
            Action::DropView { name, .. } => self.drop_view(statement, name),
            Action::AlterType { name } | Action::AddEnumValue { name, .. } | Action::RenameEnumValue { name, .. } => self.add(statement, Draft {
                id: "H70",
                class: "may_fail",
                severity: Severity::Warning,
                title: format!("changes type {name}: a new enum value cannot be used before this run is committed, and cannot be taken back"),
                lock: None,
                decided_by: DecidedBy::NotJudged("who uses the type was not looked up".to_owned()),
                remedy: "use the value only in a later migration; deploy readers first",
            }),
            Action::Transaction(_) => self.add(statement, Draft {
                id: "H101",
                class: "not_judged",
                severity: Severity::Error,
                title: "controls the transaction itself: drizzle-orm runs all pending files in one, which this ends half-way".to_owned(),
                lock: None,
                decided_by: DecidedBy::Static,
                remedy: "take it out of the migration",
            }),
            Action::Dynamic => self.not_judged(statement, "runs SQL that cannot be read from the file"),
            Action::DropNotNull { .. } => self.other(statement, "drop not null"),
            Action::SetDefault { .. } => self.other(statement, "set default"),
            Action::DropDefault { .. } => self.other(statement, "drop default"),
            Action::DropType { .. } => self.other(statement, "drop type"),
            Action::Policy { .. } => self.other(statement, "policy"),
            Action::RowSecurity { .. } => self.other(statement, "row level security"),
            Action::SetNotNull { .. }
            | Action::AddUnique { .. }
            | Action::AddForeignKey { .. }
            | Action::AddConstraint { .. }
            | Action::CreateTable(_)
            | Action::CreateView { .. }
            | Action::CreateType { .. }
            | Action::RenameConstraint { .. } => {}
            other => match other.outside() {
                Some(kind) => self.other(statement, &kind),
                None => self.not_judged(statement, "no rule knows this statement"),
            },
        }
    }

    pub(super) fn not_judged(&mut self, statement: &Statement, why: &str) {
        self.add(
            statement,
            Draft {
                id: "H101",
                class: "not_judged",
                severity: Severity::Warning,
                title: format!("not judged: {why}"),
                lock: None,
                decided_by: DecidedBy::NotJudged(why.to_owned()),
                remedy: "read it yourself, and see what the rehearsal shows",
            },
        );
    }

    /// A constraint that rows may break: an error where they do, a matter of size where they do not.
    fn by_data(&mut self, table: &TableName, count: &Answer, unit: &str) -> (Severity, DecidedBy) {
        let harmless = self.by_size(table);
        let (severity, decided_by) = verdict(count, unit, harmless);
        (if matches!(count, Answer::Unknown(_)) { Severity::Warning } else { severity }, decided_by)
    }

    /// How much a lock for the length of a scan matters.
    pub(super) fn by_size(&mut self, table: &TableName) -> Severity {
        match self.live.rows(table) {
            Answer::Count(rows) if rows <= SMALL => Severity::Note,
            _ => Severity::Warning,
        }
    }

    pub(super) fn add(&mut self, statement: &Statement, draft: Draft) {
        self.found.push(Finding {
            id: draft.id.to_owned(),
            class: draft.class.to_owned(),
            severity: draft.severity,
            title: draft.title,
            line: statement.line,
            column: statement.column,
            statement: statement.text.clone(),
            lock: draft.lock.map(|(lock, _)| lock.to_owned()),
            blocks: draft.lock.map(|(_, blocks)| blocks.to_owned()),
            decided_by: draft.decided_by,
            remedy: draft.remedy.to_owned(),
        });
    }
}

/// An error unless the count is zero.
pub(super) fn verdict(count: &Answer, unit: &str, at_zero: Severity) -> (Severity, DecidedBy) {
    match count {
        Answer::Count(0) => (at_zero, DecidedBy::Live(format!("0 {unit}"))),
        Answer::Count(count) => (Severity::Error, DecidedBy::Live(format!("{count} {unit}"))),
        Answer::Unknown(reason) => (Severity::Error, DecidedBy::NotJudged(reason.clone())),
    }
}

/// Without a database every drop beside an add may be a rename.
pub(super) fn same_type(live: Option<&str>, added: &str) -> bool {
    let plain = |text: &str| {
        text.to_lowercase().replace("character varying", "varchar").replace("timestamp without time zone", "timestamp")
    };
    live.is_none_or(|live| plain(live) == plain(added))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(sql: &str) -> Vec<(String, Severity)> {
        review(sql, None).unwrap().into_iter().map(|finding| (finding.id, finding.severity)).collect()
    }

    fn is(sql: &str, expected: &[(&str, Severity)]) {
        let expected: Vec<(String, Severity)> =
            expected.iter().map(|(id, severity)| ((*id).to_owned(), *severity)).collect();
        assert_eq!(ids(sql), expected, "{sql}");
    }

    #[test]
    fn harmless_statements_have_no_findings() {
        is("ALTER TABLE users ADD COLUMN phone text", &[]);
        is("ALTER TABLE users ADD COLUMN rank integer DEFAULT 0 NOT NULL", &[]);
        is("ALTER TABLE users ADD COLUMN at timestamptz DEFAULT now() NOT NULL", &[]);
        is("CREATE TABLE t (id serial); CREATE INDEX i ON t (id); ALTER TABLE t ADD CONSTRAINT u UNIQUE (id);", &[]);
    }

    #[test]
    fn without_a_database_what_data_decides_is_not_judged() {
        let found = review("ALTER TABLE users ADD CONSTRAINT u UNIQUE (email)", None).unwrap();
        assert_eq!((found[0].id.as_str(), found[0].severity), ("H33", Severity::Warning));
        assert!(matches!(found[0].decided_by, DecidedBy::NotJudged(_)));
        assert_eq!(found[0].lock.as_deref(), Some("ACCESS EXCLUSIVE"));
    }

    #[test]
    fn renames_drops_and_what_looks_like_a_rename_are_errors() {
        is("ALTER TABLE users RENAME COLUMN a TO b", &[("H10", Severity::Error)]);
        is("ALTER TABLE users RENAME TO people", &[("H11", Severity::Error)]);
        is("DROP TABLE users CASCADE", &[("H01", Severity::Error)]);
        is(
            "ALTER TABLE users ADD COLUMN b text; ALTER TABLE users DROP COLUMN a",
            &[("H02", Severity::Error), ("H12", Severity::Error)],
        );
        is("ALTER TABLE users ADD COLUMN b text NOT NULL", &[("H20", Severity::Error)]);
    }

    #[test]
    fn volatile_defaults_indexes_and_type_changes_are_seen() {
        is("ALTER TABLE users ADD COLUMN t uuid DEFAULT gen_random_uuid() NOT NULL", &[("H21", Severity::Warning)]);
        is("CREATE INDEX i ON users (a)", &[("H60", Severity::Warning)]);
        is("CREATE INDEX CONCURRENTLY i ON users (a)", &[("H63", Severity::Error)]);
        is("ALTER TABLE users ALTER COLUMN a SET DATA TYPE integer", &[("H50", Severity::Error)]);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        is("DO $$ BEGIN EXECUTE 'drop table users'; END $$", &[("H101", Severity::Warning)]);
        is("ALTER SYSTEM SET x = 1", &[("H101", Severity::Warning)]);
        let found = review("SELECT 1;\nALTER TABLE users ADD COLUMN;", None).unwrap();
        assert_eq!((found[0].id.as_str(), found[0].line, found[0].severity), ("syntax", 2, Severity::Error));
    }
}
