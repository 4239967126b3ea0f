//! H22: a column comes with a constant default, which PostgreSQL before 11 writes into each row.

use crate::review::added;
use crate::review::finding::Class;
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::volatility::Computed;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H22",
    title: "a column is added with a constant default before PostgreSQL 11",
    class: Class::Lock,
    danger: "Before version 11 the table and every index on it are written anew under ACCESS EXCLUSIVE. Since 11 the constant is kept in \
             the catalog and no row is touched, also with NOT NULL and with stable functions such as now().",
    decided: Some("the server's version, and how large the table is"),
    safe: "before 11: add the column without a default, set the default, and fill the rows in batches",
    aka: &[("strong_migrations", &["add_column_default"]), ("bytebase", &["STATEMENT_DISALLOW_ADD_COLUMN_WITH_DEFAULT"])],
    judge,
};

const SINCE: u32 = 11;

fn judge(site: &mut Site<'_, '_>) {
    if site.facts.major.is_none_or(|major| major >= SINCE) {
        return;
    }
    let Some(column) = added::column(site) else { return };
    let Some(default) = added::default(column) else { return };
    if site.facts.computed(default) != Computed::Once {
        return;
    }
    let (table, name) = (&column.table, quote(&column.column));
    let (severity, decided) = site.facts.weight(table);
    let quoted = table.quoted();
    site.find(
        Draft::new(severity, format!("adds column {table}.{} with a default, which writes the table anew before PostgreSQL {SINCE}", column.column))
            .lock(table, Lock::AccessExclusive)
            .rewrites(true)
            .by(decided)
            .remedy("add it without the default, set the default for new rows, fill the old ones in batches")
            .sql([
                format!("ALTER TABLE {quoted} ADD COLUMN {name} {};", column.data_type),
                format!("ALTER TABLE {quoted} ALTER COLUMN {name} SET DEFAULT {default};"),
                format!("-- then, in batches, outside of the migration: UPDATE {quoted} SET {name} = {default} WHERE {name} IS NULL;"),
            ]),
    );
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::review::judge::review;
    use crate::review::set::{Before, Set, Source, Transaction};
    use crate::review::testing::silent;

    fn on(major: u32, sql: &str) -> bool {
        let files = vec![Source { path: PathBuf::from("a.sql"), text: sql.to_owned(), transaction: Transaction::Set }];
        let report = review(&Set { files, before: Before::Unknown, pending: false, major: Some(major), ..Set::default() }, None);
        report.findings.iter().any(|finding| finding.id == "H22")
    }

    #[test]
    fn fires_before_version_11_alone() {
        let sql = "ALTER TABLE users ADD COLUMN a boolean NOT NULL DEFAULT false";
        assert!(on(10, sql));
        assert!(!on(11, sql) && !on(10, "ALTER TABLE users ADD COLUMN a boolean"));
        silent("H22", sql);
    }
}
