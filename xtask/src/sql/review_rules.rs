//! The longer rules of the review, one function per kind of action.

use super::TableName;
use super::action::{Column, Generated};
use super::finding::{DecidedBy, Severity};
use super::review::{ACCESS_EXCLUSIVE, Draft, Review, SHARE, same_type, verdict};
use super::review_live::Answer;
use super::statements::{Action, Statement};

impl Review<'_> {
    pub(super) fn drop_table(&mut self, statement: &Statement, table: &TableName) {
        let (severity, decided_by) = verdict(&self.live.rows(table), "rows", Severity::Warning);
        self.add(
            statement,
            Draft {
                id: "H01",
                class: "data_loss",
                severity,
                title: format!("drops table {table} with all its rows"),
                lock: ACCESS_EXCLUSIVE,
                decided_by,
                remedy: "stop using it first; back it up; drop it one release later",
            },
        );
    }

    pub(super) fn drop_column(&mut self, statement: &Statement, table: &TableName, column: &str) {
        let values = self.live.values(table, column);
        let (severity, decided_by) = verdict(&values, "values", Severity::Warning);
        self.add(
            statement,
            Draft {
                id: "H02",
                class: "data_loss",
                severity,
                title: format!("drops column {table}.{column} with its values, indexes and constraints"),
                lock: ACCESS_EXCLUSIVE,
                decided_by: decided_by.clone(),
                remedy: "take it out of the code first; back it up; drop it one release later",
            },
        );
        let live_type = self.live.column_type(table, column);
        let twin = self.all.iter().find_map(|action| match action {
            Action::AddColumn(added) if added.table == *table && same_type(live_type.as_deref(), &added.data_type) => {
                Some(added.column.clone())
            }
            _ => None,
        });
        if let Some(twin) = twin {
            self.add(
                statement,
                Draft {
                    id: "H12",
                    class: "data_loss",
                    severity,
                    title: format!(
                        "drops {table}.{column} and adds {table}.{twin}: if that is a rename, its data is lost"
                    ),
                    lock: ACCESS_EXCLUSIVE,
                    decided_by,
                    remedy: "declare the rename and generate again, so that the file says RENAME COLUMN",
                },
            );
        }
    }

    pub(super) fn add_column(&mut self, statement: &Statement, added: &Column) {
        let Column { table, column, data_type, not_null, default, generated, .. } = added;
        if self.live.is_new(table) {
            return;
        }
        let serial = data_type.to_lowercase().ends_with("serial");
        let generated = matches!(generated, Some(Generated::Stored | Generated::Identity));
        let inline = [
            (added.unique, "unique"),
            (added.primary_key, "primary key"),
            (added.check.is_some(), "check"),
            (added.references.is_some(), "references"),
        ];
        let inline = inline.into_iter().find_map(|(is, word)| is.then_some(word));
        if *not_null && default.is_none() && !serial && !generated {
            let rows = self.live.rows(table);
            let (severity, decided_by) = verdict(&rows, "rows", Severity::Warning);
            self.add(statement, Draft {
                id: "H20",
                class: "may_fail",
                severity,
                title: format!("adds {table}.{column} NOT NULL without a default: fails as soon as the table has a row, and old code cannot insert"),
                lock: ACCESS_EXCLUSIVE,
                decided_by,
                remedy: "give it a constant default, or add it nullable, backfill, then SET NOT NULL",
            });
        }
        let volatile = default.as_deref().map_or(Answer::Count(0), |default| self.live.volatile(default));
        let rewrites = serial || generated || !matches!(volatile, Answer::Count(0));
        if rewrites {
            let decided_by = match volatile {
                Answer::Unknown(reason) if !serial && !generated => DecidedBy::NotJudged(reason),
                _ => DecidedBy::Static,
            };
            let severity = self.by_size(table);
            self.add(statement, Draft {
                id: if serial { "H23" } else if generated { "H24" } else { "H21" },
                class: "lock",
                severity,
                title: format!("adds {table}.{column} with a value computed per row: rewrites the table and its indexes under the lock"),
                lock: ACCESS_EXCLUSIVE,
                decided_by,
                remedy: "add it without the default, set the default for new rows, backfill in batches",
            });
        }
        if let Some(inline) = inline {
            self.add(
                statement,
                Draft {
                    id: "H25",
                    class: "lock",
                    severity: Severity::Warning,
                    title: format!(
                        "adds {table}.{column} with an inline {inline} constraint: builds or checks it under the lock"
                    ),
                    lock: ACCESS_EXCLUSIVE,
                    decided_by: DecidedBy::Static,
                    remedy: "add the constraint in a statement of its own",
                },
            );
        }
    }

    pub(super) fn drop_constraint(&mut self, statement: &Statement, table: &TableName, name: &str) {
        let again = self.all.iter().any(|action| match action {
            Action::AddUnique { table: other, .. }
            | Action::AddForeignKey { table: other, .. }
            | Action::AddConstraint { table: other, .. } => other == table,
            _ => false,
        });
        self.add(statement, Draft {
            id: "H38",
            class: "breaks_code",
            severity: if again { Severity::Note } else { Severity::Warning },
            title: format!("drops constraint {name} of {table}: what it guaranteed holds no longer"),
            lock: ACCESS_EXCLUSIVE,
            decided_by: DecidedBy::Static,
            remedy: "see that the file adds it again, or that no code relies on it (ON CONFLICT needs a unique constraint)",
        });
    }

    pub(super) fn change_type(&mut self, statement: &Statement, table: &TableName, column: &str, data_type: &str) {
        if self.live.is_new(table) {
            return;
        }
        let now = self.live.column_type(table, column);
        let widened = now
            .as_deref()
            .is_some_and(|now| now.starts_with("character varying") && data_type.eq_ignore_ascii_case("text"));
        if widened {
            return;
        }
        let rows = self.live.rows(table);
        let (severity, counted) = verdict(&rows, "rows", Severity::Note);
        let decided_by = if matches!(rows, Answer::Count(0)) {
            counted
        } else {
            DecidedBy::NotJudged("whether every value can be cast".to_owned())
        };
        self.add(statement, Draft {
            id: "H50",
            class: "lock",
            severity,
            title: format!("changes the type of {table}.{column} to {data_type}: rewrites the table under the lock, and fails or cuts where a value does not fit"),
            lock: ACCESS_EXCLUSIVE,
            decided_by,
            remedy: "add a column of the new type, backfill with a checked cast, switch, drop the old one",
        });
    }

    pub(super) fn create_index(&mut self, statement: &Statement, table: &TableName, unique: bool, concurrently: bool) {
        if concurrently {
            self.add(
                statement,
                Draft {
                    id: "H63",
                    class: "may_fail",
                    severity: Severity::Error,
                    title: format!("creates an index on {table} CONCURRENTLY: impossible inside drizzle's transaction"),
                    lock: None,
                    decided_by: DecidedBy::Static,
                    remedy: "write a plain CREATE INDEX here, and the concurrent form into a sibling `.online.sql`",
                },
            );
            return;
        }
        if self.live.is_new(table) {
            return;
        }
        if unique {
            self.add(
                statement,
                Draft {
                    id: "H61",
                    class: "may_fail",
                    severity: Severity::Warning,
                    title: format!("creates a unique index on {table}: fails on duplicates"),
                    lock: SHARE,
                    decided_by: DecidedBy::NotJudged("duplicates were not counted for an index".to_owned()),
                    remedy: "the rehearsal shows whether the rows hold",
                },
            );
        }
        let rows = self.live.rows(table);
        let decided_by = match &rows {
            Answer::Count(rows) => DecidedBy::Live(format!("{rows} rows")),
            Answer::Unknown(reason) => DecidedBy::NotJudged(reason.clone()),
        };
        let severity = self.by_size(table);
        self.add(
            statement,
            Draft {
                id: "H60",
                class: "lock",
                severity,
                title: format!("creates an index on {table}: writes wait until it is built"),
                lock: SHARE,
                decided_by,
                remedy: "on a large table build it concurrently, outside the migration",
            },
        );
    }

    pub(super) fn drop_view(&mut self, statement: &Statement, name: &TableName) {
        let again =
            self.all.iter().any(|action| matches!(action, Action::CreateView { name: other, .. } if other == name));
        self.add(
            statement,
            Draft {
                id: "H05",
                class: "breaks_code",
                severity: if again { Severity::Note } else { Severity::Warning },
                title: if again {
                    format!("drops view {name} and creates it again: privileges granted on it are lost")
                } else {
                    format!("drops view {name}: code that reads it fails")
                },
                lock: ACCESS_EXCLUSIVE,
                decided_by: DecidedBy::Static,
                remedy: if again { "grant them again in the same migration" } else { "take it out of the code first" },
            },
        );
    }

    /// Statements without a variant of their own.
    pub(super) fn other(&mut self, statement: &Statement, kind: &str) {
        let (id, class, severity, title) = match kind {
            "create schema" | "create sequence" | "create extension" | "comment on" | "validate constraint" => return,
            "drop not null" | "drop default" | "set default" => {
                ("H38", "breaks_code", Severity::Warning, "changes what code may rely on")
            }
            "update" | "delete" | "insert" | "merge" => {
                ("H06", "data_loss", Severity::Warning, "changes rows inside the migration's transaction")
            }
            "truncate" => ("H04", "data_loss", Severity::Error, "empties a table"),
            "drop schema" | "drop database" => ("H03", "data_loss", Severity::Error, "drops everything in it"),
            "policy" | "row level security" => ("H90", "access", Severity::Warning, "changes who sees which rows"),
            kind if kind.starts_with("drop ") => {
                ("H05", "breaks_code", Severity::Warning, "drops an object that others may depend on")
            }
            _ => return self.not_judged(statement, "no rule knows this statement"),
        };
        self.add(
            statement,
            Draft {
                id,
                class,
                severity,
                title: format!("{kind}: {title}"),
                lock: None,
                decided_by: DecidedBy::Static,
                remedy: "see that this is meant; the rehearsal shows what it does to the data",
            },
        );
    }
}
