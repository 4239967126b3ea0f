//! H11: a table, a view, a type, a function, a schema gets another name or another schema.

use crate::review::catalog::Kind;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::quote;
use crate::sql::parts::{self, Shown};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H11",
    title: "a table or another object is renamed or moved",
    class: Class::BreaksCode,
    danger: "Code that runs with the old name fails from that moment on; nothing is lost, and views, defaults and foreign keys follow by \
             themselves. Bodies of functions are texts and do not. ACCESS EXCLUSIVE on a table, for an instant.",
    decided: None,
    safe: "rename, and in the same transaction make a view of the old name over the new one; drop it one release later",
    aka: &[
        ("squawk", &["renaming-table", "renaming-object", "ban-set-schema"]),
        ("strong_migrations", &["rename_table", "rename_schema"]),
        ("atlas", &["BC101"]),
        ("pgfence", &["rename-table", "rename-schema"]),
        ("drizzle-migration-lint", &["rename-table"]),
        ("migrationpilot", &["MP028", "MP098"]),
    ],
    judge,
};

/// What no query names.
const QUIET: [&str; 7] = ["index", "trigger", "rule", "statistics", "event trigger", "policy", "tablespace"];

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::RenameTable { table, to } => table_to(site, table, &table.beside(to)),
        Action::SetSchema { kind, name, to } if kind == "table" => table_to(site, name, &TableName::new(to, &name.name)),
        Action::RenameOther { kind, name, to } => object(site, kind, name, &format!("renames {kind} {name} to {to}")),
        Action::SetSchema { kind, name, to } => object(site, kind, name, &format!("moves {kind} {name} to schema {to}")),
        Action::RenameConstraint { table, from, to } => constraint(site, table, from, to),
        _ => {}
    }
}

fn table_to(site: &mut Site<'_, '_>, table: &TableName, to: &TableName) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let known = site.facts.table(table);
    let moved = if table.schema == to.schema { "renames" } else { "moves" };
    let view = site.scene.later(table, site.at).find(|(at, action)| {
        matches!(action, Action::CreateView { name, materialized: false, .. } if name == table)
            && site.scene.same_transaction(site.at, *at)
    });
    let shown = view.map(|(at, _)| (site.scene.line(at), site.scene.text(at).and_then(|text| parts::shown(text, to))));
    let old_name = match shown {
        None => None,
        Some((line, None)) => Some((line, None)),
        Some((line, Some(Shown::All))) => Some((line, Some(Vec::new()))),
        Some((line, Some(Shown::Columns(columns)))) => {
            let lacks = known.filter(|known| known.known).map(|known| {
                known.columns.keys().filter(|column| !columns.contains(column)).cloned().collect::<Vec<_>>()
            });
            Some((line, lacks))
        }
    };
    let (severity, words, decided) = match old_name {
        Some((line, Some(lacks))) if lacks.is_empty() => {
            (Severity::Note, format!("the view of line {line} stands in for the old name"), String::new())
        }
        Some((line, Some(lacks))) => {
            (Severity::Error, format!("the view of line {line} lacks {}", lacks.join(", ")), String::new())
        }
        Some((line, None)) => {
            let why = format!("whether the view of line {line} shows the whole table is not seen here");
            (Severity::Warning, "a view has the old name".to_owned(), why)
        }
        None => (Severity::Error, "code that still uses the old name fails at once".to_owned(), String::new()),
    };
    let decided = if decided.is_empty() { DecidedBy::Static(decided) } else { DecidedBy::NotJudged(decided) };
    let change = match site.action {
        Action::RenameTable { to, .. } => format!("RENAME TO {}", quote(to)),
        _ => format!("SET SCHEMA {}", quote(&to.schema)),
    };
    site.find(
        Draft::new(severity, format!("{moved} table {table} to {to}: {words}"))
            .lock(table, Lock::AccessExclusive)
            .by(decided)
            .remedy("keep the old name as a view until nothing uses it")
            .sql([
                "BEGIN;".to_owned(),
                format!("ALTER TABLE {} {change};", table.quoted()),
                format!("CREATE VIEW {} AS SELECT * FROM {};", table.quoted(), to.quoted()),
                "COMMIT;".to_owned(),
                format!("-- the code uses the new name alone; then: DROP VIEW {};", table.quoted()),
            ]),
    );
}

fn object(site: &mut Site<'_, '_>, kind: &str, name: &TableName, title: &str) {
    let new_type = kind == "type" && site.facts.look_enum(name, |known| known.made.is_some()).unwrap_or(false);
    if site.facts.made(kind, name) || new_type {
        return;
    }
    let (severity, words) = if QUIET.contains(&kind) {
        (Severity::Note, "no query names it")
    } else {
        (Severity::Warning, "whether programs name it cannot be seen here")
    };
    site.find(
        Draft::new(severity, title)
            .on(name)
            .by(DecidedBy::Static(words.to_owned()))
            .remedy("make the new one beside the old, deploy code that uses it, and drop the old one a release later"),
    );
}

/// `ON CONFLICT ON CONSTRAINT` names those that are unique.
fn constraint(site: &mut Site<'_, '_>, table: &TableName, from: &str, to: &str) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let kind = site.facts.table(table).and_then(|known| known.constraints.get(from).map(|known| known.kind));
    let (severity, words) = match kind {
        Some(Kind::Check | Kind::ForeignKey | Kind::NotNull) => {
            (Severity::Note, "only messages name it; code that reads them is rare")
        }
        _ => (Severity::Warning, "ON CONFLICT ON CONSTRAINT in deployed code cannot be seen here"),
    };
    site.find(
        Draft::new(severity, format!("renames constraint {from} of {table} to {to}"))
            .lock(table, Lock::AccessExclusive)
            .by(DecidedBy::Static(words.to_owned()))
            .remedy("name the columns in ON CONFLICT, deploy, then rename"),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_on_what_was_there_and_not_on_what_the_file_itself_made() {
        for sql in [
            "ALTER TABLE invites RENAME TO invitations",
            "ALTER TABLE invites SET SCHEMA crm",
            "ALTER VIEW v RENAME TO w",
            "ALTER TYPE s RENAME TO t",
            "ALTER SCHEMA shop RENAME TO store",
            "ALTER FUNCTION f() RENAME TO g",
            "ALTER SEQUENCE s RENAME TO t",
            "ALTER TABLE t RENAME CONSTRAINT a TO b",
        ] {
            fires("H11", sql);
        }
        silent("H11", "CREATE TABLE a (id int); ALTER TABLE a RENAME TO b");
        silent("H11", "CREATE TYPE s AS ENUM ('a'); ALTER TYPE s RENAME TO t");
        silent("H11", "CREATE SEQUENCE s; ALTER SEQUENCE s RENAME TO t");
    }

    #[test]
    fn a_view_of_the_old_name_with_all_columns_stands_in() {
        let worst = |view: &str| {
            let before = Before::Files(vec!["CREATE TABLE a (id int, x int)".to_owned()]);
            let found = found(&format!("ALTER TABLE a RENAME TO b; CREATE VIEW a AS {view}"), Transaction::Set, before);
            found.iter().filter(|finding| finding.id == "H11").map(|finding| finding.severity).max()
        };
        assert_eq!(worst("SELECT * FROM b"), Some(Severity::Note));
        assert_eq!(worst("SELECT id, x FROM b"), Some(Severity::Note));
        assert_eq!(worst("SELECT id FROM b"), Some(Severity::Error));
        assert_eq!(worst("SELECT * FROM b WHERE x = 1"), Some(Severity::Warning));
    }
}
