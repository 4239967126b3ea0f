//! H53: a column that indexes hold gets another order.

use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::retype::{Cost, Retype};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H53",
    title: "the collation of an indexed column changes",
    class: Class::Lock,
    danger: "Each index over the column is built anew under ACCESS EXCLUSIVE, and ORDER BY and comparisons give another order from then on, so that keyset \
             pagination of running code may skip rows. Without an index only the catalog changes.",
    decided: Some("which indexes hold the column, and how large the table is"),
    safe: "an index with the new collation, built CONCURRENTLY, and COLLATE in the queries that want it",
    aka: &[],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Some(retype) = Retype::read(site) else { return };
    let Some(collation) = retype.collation else { return };
    // A rewrite builds the indexes anyway.
    if matches!(retype.cost(site), Cost::Rewrites(_)) {
        return;
    }
    let (table, column) = (retype.table, retype.column);
    let indexes = retype.indexes(site);
    let known = site.facts.table(table).is_some_and(|facts| facts.known);
    if indexes.is_empty() && known {
        return;
    }
    let (severity, decided) = site.facts.weight(table);
    let (severity, decided, what) = if indexes.is_empty() {
        let not_known = DecidedBy::NotJudged(format!("the indexes of {table} are not known"));
        (severity.max(Severity::Warning), not_known, "each index over it is built anew".to_owned())
    } else {
        (severity, decided, format!("{} built anew", indexes.join(", ")))
    };
    site.find(
        Draft::new(severity, format!("changes the order of {table}.{column} to {collation}: {what} while nobody reads or writes"))
            .lock(table, Lock::AccessExclusive)
            .scans(true)
            .by(decided)
            .remedy("build an index with the new collation CONCURRENTLY and say COLLATE in the queries, or run it at a quiet hour"),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found};

    #[test]
    fn fires_where_an_index_holds_the_column() {
        let before = || Before::Files(vec!["CREATE TABLE t (a text UNIQUE, b text)".to_owned()]);
        let fires_on = |sql: &str| found(sql, Transaction::Set, before()).iter().any(|finding| finding.id == "H53");
        assert!(fires_on("ALTER TABLE t ALTER a TYPE text COLLATE \"C\""));
        assert!(!fires_on("ALTER TABLE t ALTER b TYPE text COLLATE \"C\""));
        fires("H53", "ALTER TABLE t ALTER a TYPE text COLLATE \"C\"");
    }
}
