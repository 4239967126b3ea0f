//! H01: a table goes, with its rows.

use crate::review::dependants::Stands;
use crate::review::facts::Verdict;
use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::{replaced, usage};
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H01",
    title: "a table is dropped",
    class: Class::DataLoss,
    danger: "All rows are gone, with the table's indexes, triggers and privileges; code that still uses it fails at once. \
             ACCESS EXCLUSIVE, for an instant. CASCADE also drops foreign keys and views of others.",
    decided: Some("how many rows it holds"),
    safe: "take it out of the code, deploy, rename it away, back it up, and drop it one release later",
    aka: &[
        ("squawk", &["ban-drop-table"]),
        ("atlas", &["DS102"]),
        ("pg-schema-diff", &["DELETES_DATA"]),
        ("pgfence", &["drop-table"]),
        ("drizzle-migration-lint", &["drop-table"]),
        ("strong_migrations", &["drop_table"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::DropTable { table, cascade, if_exists } = site.action else { return };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    // It is told as a rename.
    if replaced::table(site, table).is_some() {
        return;
    }
    if *if_exists && site.facts.dependants("table", table) == Some(Stands::Absent) {
        let decided = site.facts.decided(&format!("no table {table}"), None);
        site.find(Draft::new(Severity::Note, format!("drops table {table}, which is not there")).on(table).by(decided));
        return;
    }
    let used = site.facts.usage(table, None);
    let rows = site.facts.any(table);
    let severity = match rows {
        Verdict::Harmful(..) => Severity::Error,
        Verdict::Open(_) | Verdict::Clear(_) => Severity::Warning,
    };
    let dependants = if *cascade { ", and with CASCADE whatever stands on it".to_owned() } else { refused(site, table) };
    site.find(
        Draft::new(severity, format!("drops table {table} with all its rows{dependants}"))
            .lock(table, Lock::AccessExclusive)
            .by(usage::and(rows.decided(), used))
            .remedy("take it out of the code first and keep it under another name for a release; back it up")
            .sql([format!("ALTER TABLE {}{} RENAME TO {};", if *if_exists { "IF EXISTS " } else { "" }, table.quoted(), quote(&format!("{}_gone", table.name)))]),
    );
}

/// What keeps the table, without CASCADE.
fn refused(site: &mut Site<'_, '_>, table: &TableName) -> String {
    let names = site.facts.holders(table, None);
    if names.is_empty() { String::new() } else { format!(", which PostgreSQL refuses as long as it stands under {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_table_that_was_there_and_not_on_one_of_the_file_itself() {
        fires("H01", "DROP TABLE users");
        fires("H01", "DROP TABLE IF EXISTS app.\"Users\" CASCADE");
        silent("H01", "CREATE TABLE t (id int); DROP TABLE t");
    }
}
