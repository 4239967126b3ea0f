//! H05: a view, a function, a type, a sequence or an extension goes, or CASCADE takes what stands on something else.

use crate::review::catalog::Kind;
use crate::review::dependants::Stands;
use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::sequence;
use crate::review::scene::At;
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H05",
    title: "an object that others stand on is dropped",
    class: Class::BreaksCode,
    danger: "What is deployed and names it fails at once; a sequence loses its value. CASCADE drops without a word what needs it: views, \
             defaults, foreign keys, and for a type each column of that type with its values. Without CASCADE PostgreSQL refuses while \
             anything in the database needs it; it knows nothing of programs.",
    decided: Some("how many objects need it, and how many rows hold values of the type"),
    safe: "take it out of the code, deploy, then drop what needs it by name, then the object without CASCADE",
    aka: &[
        (
            "squawk",
            &[
                "ban-drop-view",
                "ban-drop-materialized-view",
                "ban-drop-function",
                "ban-drop-type",
                "ban-drop-domain",
                "ban-drop-sequence",
                "ban-drop-extension",
            ],
        ),
        ("pg-schema-diff", &["DELETES_DATA", "HAS_UNTRACKABLE_DEPENDENCIES"]),
        ("bytebase", &["STATEMENT_DISALLOW_RM_TBL_CASCADE"]),
        ("safe-migrate", &["destructive-general-cascade"]),
        ("migrationpilot", &["MP052"]),
    ],
    judge,
};

/// What nobody's program names.
const QUIET: [&str; 3] = ["statistics", "index", "transform"];
/// Judged elsewhere.
const OTHERS: [&str; 9] =
    ["schema", "database", "owned", "role", "user", "group", "tablespace", "publication", "subscription"];

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::DropView { name, materialized, cascade } => {
            object(site, if *materialized { "materialized view" } else { "view" }, name, *cascade);
        }
        Action::DropType { name, cascade } => data_type(site, name, *cascade),
        Action::DropOther { kind, .. } if OTHERS.contains(&kind.as_str()) || QUIET.contains(&kind.as_str()) => {}
        Action::DropOther { kind, name, cascade, .. } => object(site, kind, name, *cascade),
        Action::DropConstraint { table, name, cascade: true } => constraint(site, table, name),
        Action::Other { kind } if kind == "alter sequence" => sequence::restarted(site),
        _ => {}
    }
}

fn object(site: &mut Site<'_, '_>, kind: &str, name: &TableName, cascade: bool) {
    if site.facts.made(kind, name) {
        return;
    }
    let if_exists = site.statement.text.to_lowercase().contains("if exists");
    let again = made_again(site, name);
    let mut more = String::new();
    let (severity, decided) = match site.facts.dependants(kind, name) {
        Some(Stands::Absent) => {
            let severity = if if_exists { Severity::Note } else { Severity::Warning };
            more = if if_exists { ", which is not there" } else { ", which is not there, so it fails" }.to_owned();
            (severity, site.facts.decided(&format!("no {kind} {name}"), None))
        }
        Some(Stands::On(0)) => (Severity::Warning, site.facts.decided("0 objects need it; programs may", None)),
        Some(Stands::On(objects)) => {
            // Without CASCADE these files may drop them before.
            let severity = if cascade { Severity::Error } else { Severity::Warning };
            if !cascade {
                more = format!(", which PostgreSQL refuses as long as {} it", if objects == 1 { "another object needs" } else { "others need" });
            }
            (severity, site.facts.decided(&format!("{objects} objects need it"), None))
        }
        None => (Severity::Warning, DecidedBy::Static("whether programs name it cannot be seen here".to_owned())),
    };
    let (severity, decided) = match again {
        Some(line) if severity == Severity::Warning => {
            (Severity::Note, DecidedBy::Static(format!("line {line} makes it again in the same transaction")))
        }
        _ => (severity, decided),
    };
    let taken = if cascade { " and by CASCADE whatever needs it" } else { "" };
    site.find(
        Draft::new(severity, format!("drops {kind} {name}{taken}{more}"))
            .on(name)
            .by(decided)
            .remedy("take it out of the code first; drop what needs it by name, in order, without CASCADE"),
    );
}

/// The line that makes it again before anybody else can look.
fn made_again(site: &Site<'_, '_>, name: &TableName) -> Option<usize> {
    let again = |(at, action): &(At, &Action)| {
        let (Action::CreateView { name: made, .. }
        | Action::CreateRoutine { name: made, .. }
        | Action::CreateDomain { name: made, .. }
        | Action::CreateOther { name: made, .. }) = action
        else {
            return false;
        };
        made == name && site.scene.same_transaction(site.at, *at)
    };
    site.scene.made_later(name, site.at).find(again).map(|(at, _)| site.scene.line(at))
}

fn data_type(site: &mut Site<'_, '_>, name: &TableName, cascade: bool) {
    if site.facts.look_enum(name, |known| known.made.is_some()).unwrap_or(false) {
        return;
    }
    let columns = site.facts.columns_of_type(name);
    let names = columns.iter().map(|(table, column)| format!("{table}.{column}")).collect::<Vec<_>>().join(", ");
    let (severity, title, decided) = match (cascade, columns.as_slice()) {
        (false, []) => {
            let words = "PostgreSQL refuses to drop a type that a column has".to_owned();
            (Severity::Note, format!("drops type {name}"), DecidedBy::Static(words))
        }
        (false, _) => {
            let title = format!("drops type {name}, which PostgreSQL refuses: {names} has it");
            (Severity::Error, title, DecidedBy::Static(String::new()))
        }
        (true, []) => {
            let title = format!("drops type {name} and by CASCADE whatever needs it");
            let decided = match site.facts.dependants("type", name) {
                Some(Stands::Absent | Stands::On(0)) => Some(site.facts.decided("0 objects need it", None)),
                _ => None,
            };
            let severity = if decided.is_some() { Severity::Note } else { Severity::Warning };
            let open = || DecidedBy::NotJudged("which columns have the type is not known".to_owned());
            (severity, title, decided.unwrap_or_else(open))
        }
        (true, [(table, column), ..]) => {
            let values = site.facts.values(table, column);
            let severity = if matches!(values, Verdict::Harmful(..)) { Severity::Error } else { Severity::Warning };
            (severity, format!("drops type {name} and by CASCADE the columns {names} with their values"), values.decided())
        }
    };
    site.find(
        Draft::new(severity, title)
            .by(decided)
            .remedy("give the columns another type or drop them by name first; then drop the type without CASCADE"),
    );
}

/// CASCADE on a key takes the foreign keys of others.
fn constraint(site: &mut Site<'_, '_>, table: &TableName, name: &str) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let known = site.facts.table(table).and_then(|known| known.constraints.get(name).cloned());
    if known.is_some_and(|known| !matches!(known.kind, Kind::PrimaryKey | Kind::Unique)) {
        return;
    }
    let (severity, decided) = match site.facts.referrers(table, false) {
        Some(others) if others.is_empty() => (Severity::Note, site.facts.decided("0 tables refer to it", None)),
        Some(others) => {
            let names = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            (Severity::Error, site.facts.decided(&format!("{names} refers to it"), None))
        }
        None => (Severity::Warning, DecidedBy::NotJudged("which foreign keys refer to it is not known".to_owned())),
    };
    site.find(
        Draft::new(severity, format!("drops constraint {name} of {table} and by CASCADE the foreign keys that refer to it"))
            .on(table)
            .by(decided)
            .remedy("drop the foreign keys by name first, and make them again"),
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
            "DROP VIEW adults",
            "DROP MATERIALIZED VIEW counts CASCADE",
            "DROP FUNCTION full_name(users)",
            "DROP SEQUENCE s",
            "ALTER SEQUENCE IF EXISTS s RESTART WITH 1",
            "DROP EXTENSION hstore CASCADE",
            "DROP DOMAIN d",
            "DROP AGGREGATE a(int)",
            "DROP TYPE t CASCADE",
            "ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE",
        ] {
            fires("H05", sql);
        }
        silent("H05", "CREATE VIEW v AS SELECT 1; DROP VIEW v");
        silent("H05", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION f()");
        silent("H05", "CREATE TYPE t AS ENUM ('a'); DROP TYPE t");
        silent("H05", "DROP SCHEMA s CASCADE");
        silent("H05", "ALTER SEQUENCE s CACHE 10; CREATE SEQUENCE t; ALTER SEQUENCE t RESTART WITH 5");
    }

    #[test]
    fn a_type_whose_columns_got_another_one_first_is_no_harm() {
        let before = || Before::Files(vec!["CREATE TYPE s AS ENUM ('a', 'b'); CREATE TABLE t (a s)".to_owned()]);
        let worst = |sql: &str| {
            let found = found(sql, Transaction::Set, before());
            found.iter().filter(|finding| finding.id == "H05").map(|finding| finding.severity).max()
        };
        assert_eq!(worst("DROP TYPE s"), Some(Severity::Error));
        assert_eq!(worst("DROP TYPE s CASCADE"), Some(Severity::Warning));
        assert_eq!(worst("ALTER TABLE t ALTER a SET DATA TYPE text; DROP TYPE public.s"), Some(Severity::Note));
        assert_eq!(worst("DROP VIEW v; CREATE VIEW v AS SELECT 1"), Some(Severity::Note));
    }
}
