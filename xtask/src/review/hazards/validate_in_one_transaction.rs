//! H36: a constraint is validated under a lock that its transaction already holds.

use crate::review::cost;
use crate::review::finding::{Class, DecidedBy};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::scene::At;
use crate::review::weighed::LATER;
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H36",
    title: "NOT VALID and VALIDATE share a transaction",
    class: Class::Lock,
    danger: "Locks are kept until commit: the scan of VALIDATE CONSTRAINT, harmless under its own SHARE UPDATE EXCLUSIVE, runs while the lock of \
             an earlier statement still stops others. Drizzle runs all pending files in one transaction, so a second file does not help.",
    decided: Some("how large the table is"),
    safe: "VALIDATE CONSTRAINT in a transaction of its own: a later migration, deployed separately",
    aka: &[
        ("squawk", &["constraint-missing-not-valid"]),
        ("strong_migrations", &["validate_foreign_key"]),
        ("pgfence", &["not-valid-validate-same-tx"]),
    ],
    judge,
};

/// The strongest lock on the table that stops others and is held already, with the place that took it.
fn held(site: &mut Site<'_, '_>, table: &TableName) -> Option<(Lock, At, usize)> {
    let taken = site.facts.session.held(site.at).iter().filter(|taken| taken.table == *table);
    let taken = taken.max_by_key(|taken| taken.lock).map(|taken| (taken.lock, taken.at, taken.line));
    // Parts of one ALTER TABLE share the strongest of their locks, in a transaction block or not.
    let before = site.statement.actions.iter().take(site.at.action);
    let own = before.flat_map(|action| cost::cost(action, site.facts)).filter(|cost| cost.table == *table);
    let own = own.map(|cost| cost.lock).filter(|lock| lock.stops_writes()).max();
    taken.or_else(|| own.map(|lock| (lock, At { action: 0, ..site.at }, site.statement.line)))
}

fn judge(site: &mut Site<'_, '_>) {
    let Action::ValidateConstraint { table, name } = site.action else { return };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let constraint = site.facts.table(table).and_then(|facts| facts.constraints.get(name).cloned());
    if constraint.as_ref().is_some_and(|found| found.valid) {
        return;
    }
    let at = site.at;
    let Some((lock, since, line)) = held(site, table) else { return };
    let added = constraint.and_then(|found| found.added);
    let own = added.is_some_and(|(file, statement)| site.joined(At { file, statement, action: 0 }, at));
    let other = if since.file == at.file { "" } else { " of an earlier file" };
    let line = format!("{line}{other}");
    let what = if own { "was added NOT VALID in the same transaction" } else { "comes after other changes of the table" };
    let (severity, decided) = site.facts.weight(table);
    let decided = match decided {
        DecidedBy::Static(why) => DecidedBy::Static(format!("{lock} since line {line}; {why}")),
        decided => decided,
    };
    let whole_set = site.scene.files.len() > 1 || site.in_block();
    let remedy = if whole_set {
        "validate it in a later migration, deployed separately: what is pending together runs in one transaction"
    } else {
        "validate it in a statement of its own"
    };
    site.find(
        Draft::new(
            severity,
            format!("validates {name} of {table} under {lock}, held since line {line}: it {what}, so {} wait", lock.blocks()),
        )
        .lock(table, lock)
        .scans(true)
        .by(decided)
        .remedy(remedy)
        .sql([
            LATER.to_owned(),
            format!("ALTER TABLE {} VALIDATE CONSTRAINT {};", table.quoted(), quote(name)),
        ]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_where_the_lock_is_kept_and_not_where_each_statement_commits() {
        let both = "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID; ALTER TABLE a VALIDATE CONSTRAINT c";
        fires("H36", both);
        fires("H36", "ALTER TABLE a ADD CHECK (b > 0) NOT VALID, VALIDATE CONSTRAINT c");
        fires("H36", "ALTER TABLE a ADD COLUMN x int; ALTER TABLE a VALIDATE CONSTRAINT c");
        silent("H36", "ALTER TABLE a VALIDATE CONSTRAINT c");
        let own = found(both, Transaction::Own, Before::Unknown);
        assert!(own.iter().all(|finding| finding.id != "H36"), "{own:?}");
    }
}
