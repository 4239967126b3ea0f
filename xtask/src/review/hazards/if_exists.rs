//! H103: IF [NOT] EXISTS, and blocks that pass over what is there: the statement succeeds and may do nothing.

use crate::review::catalog::Table;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::types;
use crate::sql::action::{Action, Column, CreateTable};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H103",
    title: "IF [NOT] EXISTS passes over what is there",
    class: Class::Advisory,
    danger: "The statement succeeds and does nothing where something of that name is there, whatever it is: another type, fewer columns, an \
             index that is not valid. The migration counts as applied, and the schema is not what the files say.",
    decided: Some("whether something of that name is there, and whether it is the same"),
    safe: "leave it out where files run once each and in order; compare the schema with the files afterwards",
    aka: &[
        ("pgfence", &["prefer-robust-create-index", "prefer-robust-drop-index"]),
        ("pg-migration-lint", &["PGM401", "PGM402", "PGM403"]),
        ("migrationpilot", &["MP023"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let (severity, what) = match site.action {
        Action::AddColumn(column) if column.if_not_exists => column_there(site, column),
        Action::CreateTable(create) if create.if_not_exists => table_there(site, create),
        Action::DropTable { table, if_exists: true, .. } => match (site.facts.table(table), site.facts.asked()) {
            (None, Some(_)) => (Severity::Note, format!("table {table} is not there: this does nothing")),
            _ => return,
        },
        Action::CreateIndex(index) if index.if_not_exists => {
            let name = index.name.clone().unwrap_or_default();
            (Severity::Note, format!("an index {name} that is there is kept, whatever it is over and even if it is not valid"))
        }
        action if site.at.action == 0 && !matches!(action, Action::Dynamic) && is_block(&site.statement.text) => {
            (Severity::Note, "the block passes over what is there under that name, whatever it is".to_owned())
        }
        _ => return,
    };
    let by = match site.facts.asked() {
        Some(_) if severity > Severity::Note => site.facts.decided("its columns", None),
        _ => DecidedBy::Static(String::new()),
    };
    let mut draft = Draft::new(severity, what).by(by);
    if severity > Severity::Note {
        draft = draft.remedy("find out where it came from, and write the migration for what is there");
    }
    if let Some(table) = site.action.tables().first() {
        draft = draft.on(table);
    }
    site.find(draft);
}

fn is_block(text: &str) -> bool {
    text.get(..2).is_some_and(|word| word.eq_ignore_ascii_case("do")) && text.to_lowercase().contains("duplicate_")
}

fn column_there(site: &mut Site<'_, '_>, column: &Column) -> (Severity, String) {
    let name = format!("{}.{}", column.table, column.column);
    match site.facts.column(&column.table, &column.column) {
        Some(there) if differs(&there.data_type, &column.data_type) => (
            Severity::Warning,
            format!("column {name} is there as {} and not as {}: this does nothing", there.data_type, column.data_type),
        ),
        Some(_) => (Severity::Note, format!("column {name} is there: this does nothing")),
        None => (Severity::Note, format!("a column {name} that is there is kept, whatever its type")),
    }
}

fn table_there(site: &mut Site<'_, '_>, create: &CreateTable) -> (Severity, String) {
    let name = &create.table;
    match site.facts.table(name) {
        Some(there) if there.known && !lacking(&there, create).is_empty() => (
            Severity::Warning,
            format!("table {name} is there, without or with another {}: this does nothing", lacking(&there, create).join(", ")),
        ),
        Some(_) => (Severity::Note, format!("table {name} is there: this does nothing")),
        None => (Severity::Note, format!("a table {name} that is there is kept, whatever its columns")),
    }
}

/// The columns that are missing, or have another type.
fn lacking(there: &Table, create: &CreateTable) -> Vec<String> {
    let lacks = |column: &&Column| {
        there.columns.get(&column.column).is_none_or(|found| differs(&found.data_type, &column.data_type))
    };
    create.columns.iter().filter(lacks).map(|column| column.column.clone()).collect()
}

fn differs(one: &str, other: &str) -> bool {
    !one.is_empty() && types::named(one).map(|name| name.name) != types::named(other).map(|name| name.name)
        && types::parse(one) != types::parse(other)
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_where_something_may_be_there_and_not_where_it_would_fail() {
        fires("H103", "CREATE INDEX IF NOT EXISTS a ON users (email)");
        fires("H103", "DO $$ BEGIN CREATE TYPE a AS ENUM('b'); EXCEPTION WHEN duplicate_object THEN null; END $$");
        silent("H103", "CREATE INDEX a ON users (email); ALTER TABLE users ADD COLUMN a int; DROP TABLE IF EXISTS a");
    }

    #[test]
    fn what_is_there_in_another_shape_is_a_warning() {
        let severity = |sql: &str| {
            let before = Before::Files(vec!["CREATE TABLE t (id serial, a integer, m mood)".to_owned()]);
            let found = found(sql, Transaction::Set, before);
            found.into_iter().find(|finding| finding.id == "H103").map(|finding| finding.severity)
        };
        assert_eq!(severity("ALTER TABLE t ADD COLUMN IF NOT EXISTS a text"), Some(Severity::Warning));
        assert_eq!(severity("ALTER TABLE t ADD COLUMN IF NOT EXISTS a int"), Some(Severity::Note));
        assert_eq!(severity("ALTER TABLE t ADD COLUMN IF NOT EXISTS m public.mood"), Some(Severity::Note));
        assert_eq!(severity("CREATE TABLE IF NOT EXISTS t (id int, b int)"), Some(Severity::Warning));
        assert_eq!(severity("CREATE TABLE IF NOT EXISTS t (id int)"), Some(Severity::Note));
    }
}
