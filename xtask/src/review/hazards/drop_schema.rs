//! H03: a schema, a database or all that a role owns goes.

use crate::numbers::thousands;
use crate::review::dependants::Stands;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H03",
    title: "a schema or a database is dropped",
    class: Class::DataLoss,
    danger: "CASCADE takes every table, view, function and type in it, with all rows; without it PostgreSQL refuses one that holds anything. \
             DROP DATABASE cannot run in a transaction.",
    decided: Some("what the schema holds, and how many rows"),
    safe: "drop its objects one by one, in migrations of their own, then the empty schema without CASCADE",
    aka: &[
        ("squawk", &["ban-drop-schema", "ban-drop-database"]),
        ("atlas", &["DS101"]),
        ("pgfence", &["drop-database"]),
        ("safe-migrate", &["drop-schema-cascade", "drop-database"]),
        ("migrationpilot", &["MP034", "MP035"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::DropOther { kind, name, cascade, if_exists } = site.action else { return };
    match kind.as_str() {
        "schema" => schema(site, &name.name, *cascade, *if_exists),
        "database" | "owned" => {
            let what = if kind == "database" { format!("database {}", name.name) } else { format!("all that {} owns", name.name) };
            let refused = if kind == "database" && site.in_block() { "; PostgreSQL refuses it in a transaction" } else { "" };
            site.find(
                Draft::new(Severity::Error, format!("drops {what}, with every table in it{refused}"))
                    .remedy("never in a migration"),
            );
        }
        _ => {}
    }
}

fn schema(site: &mut Site<'_, '_>, name: &str, cascade: bool, if_exists: bool) {
    let schema = crate::sql::TableName::new("public", name);
    if site.facts.made("schema", &schema) {
        return;
    }
    let holds = site.facts.dependants("schema", &schema);
    let rows = site.facts.rows_in_schema(name);
    let with = match (cascade, holds) {
        (true, _) => " with everything in it",
        (false, Some(Stands::On(1..))) => ", which PostgreSQL refuses as long as it is not empty",
        (false, _) => ", if it is empty",
    };
    let said = |what: String, site: &Site<'_, '_>| site.facts.decided(&what, None);
    let (severity, decided) = match (cascade, holds) {
        (_, Some(Stands::Absent)) => {
            let severity = if if_exists { Severity::Note } else { Severity::Error };
            (severity, said(format!("no schema {name}"), site))
        }
        (_, Some(Stands::On(0))) => (Severity::Note, said("0 objects in it".to_owned(), site)),
        (_, Some(Stands::On(objects))) => {
            let rows = rows.map_or(String::new(), |rows| format!(", about {} rows", thousands(rows)));
            // What these files drop before may be what is in it.
            let severity = if cascade { Severity::Error } else { Severity::Warning };
            (severity, said(format!("{objects} objects in it{rows}"), site))
        }
        (true, None) => (Severity::Warning, DecidedBy::NotJudged("what the schema holds was not asked".to_owned())),
        (false, None) => (Severity::Note, DecidedBy::Static("PostgreSQL refuses to drop a schema that holds anything".to_owned())),
    };
    site.find(
        Draft::new(severity, format!("drops schema {name}{with}"))
            .by(decided)
            .remedy("drop its objects one by one, so that each is looked at, then the empty schema without CASCADE")
            .sql(["-- once it holds nothing:".to_owned(), format!("DROP SCHEMA {};", quote(name))]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_schema_and_not_on_one_of_the_file_itself() {
        fires("H03", "DROP SCHEMA legacy CASCADE");
        fires("H03", "DROP SCHEMA a, b CASCADE");
        fires("H03", "DROP DATABASE app");
        fires("H03", "DROP OWNED BY app");
        silent("H03", "CREATE SCHEMA scratch; DROP SCHEMA scratch CASCADE");
        silent("H03", "DROP TABLE t");
    }
}
