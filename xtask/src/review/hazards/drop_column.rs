//! H02: a column goes, with its values.

use crate::review::facts::Verdict;
use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::{replaced, usage};
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H02",
    title: "a column is dropped",
    class: Class::DataLoss,
    danger: "Its values are gone, and its indexes and constraints go with it without a word; a query that names it, as an ORM's \
             list of columns does, fails at once. ACCESS EXCLUSIVE, for an instant: nothing is rewritten.",
    decided: Some("how many rows hold a value in it"),
    safe: "take it out of the code, deploy, save its values, and drop it one release later",
    aka: &[
        ("squawk", &["ban-drop-column"]),
        ("strong_migrations", &["remove_column"]),
        ("atlas", &["DS103"]),
        ("pg-schema-diff", &["DELETES_DATA"]),
        ("pgfence", &["drop-column"]),
        ("drizzle-migration-lint", &["drop-column"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::DropColumn { table, column, cascade } = site.action else { return };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let known = site.facts.column(table, column);
    if known.as_ref().is_some_and(|column| column.in_database.is_none()) {
        return;
    }
    if known.is_none() && site.facts.table(table).is_some_and(|table| table.known) {
        absent(site, table, column);
        return;
    }
    let holders = if *cascade { Vec::new() } else { site.facts.holders(table, Some(column)) };
    // It is told as a rename.
    if holders.is_empty() && replaced::column(site, table, column).is_some() {
        return;
    }
    let used = site.facts.usage(table, Some(column));
    let values = site.facts.values(table, column);
    let severity = match values {
        Verdict::Harmful(..) => Severity::Error,
        Verdict::Open(_) | Verdict::Clear(_) => Severity::Warning,
    };
    // New code that leaves it out may insert already.
    let key = site.facts.look(table, |table| table.primary_key().contains(column)).unwrap_or(false);
    let optional = known
        .filter(|column| column.not_null && !key)
        .map(|_| format!("ALTER TABLE {} ALTER COLUMN {} DROP NOT NULL;", table.quoted(), quote(column)));
    let refused = match holders.as_slice() {
        [] => String::new(),
        _ => format!(", which PostgreSQL refuses as long as it stands under {}", holders.join(", ")),
    };
    site.find(
        Draft::new(severity, format!("drops column {table}.{column} with its values, indexes and constraints{refused}"))
            .lock(table, Lock::AccessExclusive)
            .by(usage::and(values.decided(), used))
            .remedy("take it out of the code first; save its values; drop it one release later")
            .sql(optional),
    );
}

/// Nothing to lose: with IF EXISTS nothing happens, without it the statement fails.
fn absent(site: &mut Site<'_, '_>, table: &TableName, column: &str) {
    let severity = match (site.statement.text.to_lowercase().contains("if exists"), site.facts.asked()) {
        (true, _) => Severity::Note,
        (false, Some(_)) => Severity::Error,
        (false, None) => Severity::Warning,
    };
    let decided = site.facts.decided(&format!("no column {table}.{column}"), None);
    site.find(
        Draft::new(severity, format!("drops column {table}.{column}, which is not there"))
            .on(table)
            .by(decided)
            .remedy("look at what was run on this database: it is not as the migrations left it"),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_column_that_was_there_and_not_on_one_of_the_file_itself() {
        fires("H02", "ALTER TABLE users DROP COLUMN email");
        silent("H02", "ALTER TABLE users ADD COLUMN a int; ALTER TABLE users DROP COLUMN a");
        silent("H02", "CREATE TABLE t (a int); ALTER TABLE t DROP COLUMN a");
    }
}
