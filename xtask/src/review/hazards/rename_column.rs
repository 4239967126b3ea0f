//! H10: a column gets another name.

use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H10",
    title: "a column is renamed",
    class: Class::BreaksCode,
    danger: "Code that runs with the old name fails from that moment on; nothing is lost. ACCESS EXCLUSIVE, for an instant. Views go on \
             with their own output names.",
    decided: None,
    safe: "expand and contract: add the new column, write both, backfill, switch the readers, drop the old one",
    aka: &[
        ("squawk", &["renaming-column"]),
        ("strong_migrations", &["rename_column"]),
        ("atlas", &["BC102"]),
        ("pgfence", &["rename-column"]),
        ("drizzle-migration-lint", &["rename-column"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::RenameColumn { table, from, to } = site.action else { return };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let known = site.facts.column(table, from);
    if known.as_ref().is_some_and(|column| column.in_database.is_none()) {
        return;
    }
    let again = site.scene.later_of(table, from, site.at).any(
        |(_, action)| matches!(action, Action::AddColumn(added) if added.column == *from && added.generated.is_some()),
    );
    let data_type = known.map(|column| column.data_type).filter(|of| !of.is_empty());
    let data_type = data_type.unwrap_or_else(|| "<its type>".to_owned());
    let (severity, words) = if again {
        (Severity::Warning, "a generated column keeps the old name for readers; what writes it fails")
    } else {
        (Severity::Error, "code that still uses the old name fails at once")
    };
    let (table_sql, old, new) = (table.quoted(), quote(from), quote(to));
    site.find(
        Draft::new(severity, format!("renames column {table}.{from} to {to}: {words}"))
            .lock(table, Lock::AccessExclusive)
            .remedy("expand and contract, or deploy code and migration together and accept the gap")
            .sql([
                format!("ALTER TABLE {table_sql} ADD COLUMN {new} {data_type};"),
                format!("-- the code writes both; then, in batches: UPDATE {table_sql} SET {new} = {old} WHERE {new} IS NULL;"),
                format!("-- the code reads {new} alone; then: ALTER TABLE {table_sql} DROP COLUMN {old};"),
            ]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_column_that_was_there_and_not_on_one_of_the_file_itself() {
        fires("H10", "ALTER TABLE users RENAME COLUMN email TO mail");
        fires("H10", "alter table users rename \"eMail\" to mail");
        silent("H10", "ALTER TABLE users ADD COLUMN a int; ALTER TABLE users RENAME COLUMN a TO b");
    }
}
