//! H04: a table is emptied.

use crate::review::facts::Verdict;
use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H04",
    title: "a table is truncated",
    class: Class::DataLoss,
    danger: "All rows are gone, without a trigger for each row; CASCADE empties every table that refers to it. ACCESS EXCLUSIVE on each. Without \
             CASCADE PostgreSQL refuses a table that a foreign key of another refers to.",
    decided: Some("how many rows it holds, and those that refer to it"),
    safe: "save the rows, and delete them in batches outside of the migration",
    aka: &[
        ("squawk", &["ban-truncate-cascade"]),
        ("pgfence", &["truncate", "truncate-cascade"]),
        ("bytebase", &["STATEMENT_DISALLOW_TRUNCATE"]),
        ("migrationpilot", &["MP036"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::Truncate { tables, cascade } = site.action else { return };
    for table in tables {
        if site.facts.is_new(table, site.at.file) {
            continue;
        }
        let others: Vec<_> = site.facts.referrers(table, false).unwrap_or_default();
        let others: Vec<_> = others.into_iter().filter(|other| !tables.contains(other)).collect();
        let names = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut rows = site.facts.any(table);
        if *cascade {
            for other in &others {
                if matches!(rows, Verdict::Clear(_)) {
                    rows = site.facts.any(other);
                }
            }
        }
        let (severity, title) = match (cascade, names.is_empty()) {
            (false, false) => (Severity::Error, format!("truncates {table}, which PostgreSQL refuses: {names} refers to it")),
            (true, false) => (rows.severity(Severity::Note), format!("empties {table} and by CASCADE also {names}")),
            (true, true) => (rows.severity(Severity::Note), format!("empties {table} and by CASCADE whatever refers to it")),
            (false, true) => (rows.severity(Severity::Note), format!("empties {table}")),
        };
        site.find(
            Draft::new(severity, title)
                .lock(table, Lock::AccessExclusive)
                .by(rows.decided())
                .remedy("save the rows; delete them in batches, each in its own transaction, outside of the migration")
                .sql([
                    format!("CREATE TABLE {} AS SELECT * FROM {};", quote(&format!("{}_before", table.name)), table.quoted()),
                    format!("-- looked at, and in batches of 5,000: DELETE FROM {};", table.quoted()),
                ]),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_tables_that_were_there_and_not_on_one_of_the_file_itself() {
        fires("H04", "TRUNCATE users, orders CASCADE");
        silent("H04", "CREATE TABLE t (a int); TRUNCATE t");
    }
}
