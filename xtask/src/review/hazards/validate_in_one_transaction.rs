//! H36: a constraint is validated under a lock that its transaction already holds.

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

/// The table lock that an action keeps, where it is one that stops writes.
fn kept(action: &Action, table: &TableName) -> Option<Lock> {
    match action {
        Action::AddForeignKey { .. } | Action::CreateTrigger { .. } | Action::SetTrigger { .. } => {
            Some(Lock::ShareRowExclusive)
        }
        Action::AddColumn(_)
        | Action::DropColumn { .. }
        | Action::RenameColumn { .. }
        | Action::AddConstraint { .. }
        | Action::AddUnique { .. }
        | Action::DropConstraint { .. }
        | Action::RenameConstraint { .. }
        | Action::SetNotNull { .. }
        | Action::DropNotNull { .. }
        | Action::SetDefault { .. }
        | Action::DropDefault { .. }
        | Action::ChangeType { .. } => Some(Lock::AccessExclusive),
        Action::CreateIndex(index) if !index.concurrently && index.table == *table => Some(Lock::Share),
        _ => None,
    }
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
    let held = site
        .scene
        .earlier(table, at)
        .filter(|(earlier, _)| site.joined(*earlier, at))
        .filter_map(|(earlier, action)| Some((kept(action, table)?, earlier)))
        .max_by_key(|(lock, earlier)| (*lock, std::cmp::Reverse(*earlier)));
    let Some((lock, since)) = held else { return };
    let added = constraint.and_then(|found| found.added);
    let own = added.is_some_and(|(file, statement)| site.joined(At { file, statement, action: 0 }, at));
    let other = if since.file == at.file { "" } else { " of an earlier file" };
    let line = format!("{}{other}", line(site, since));
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

fn line(site: &Site<'_, '_>, at: At) -> usize {
    let file = site.scene.files.get(at.file).and_then(|file| file.parsed.as_ref().ok());
    file.and_then(|parsed| parsed.statements.get(at.statement)).map_or(0, |statement| statement.line)
}

#[cfg(test)]
mod tests {
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_where_the_lock_is_kept_and_not_where_each_statement_commits() {
        let both = "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID; ALTER TABLE a VALIDATE CONSTRAINT c";
        fires("H36", both);
        fires("H36", "ALTER TABLE a ADD COLUMN x int; ALTER TABLE a VALIDATE CONSTRAINT c");
        silent("H36", "ALTER TABLE a VALIDATE CONSTRAINT c");
        let own = found(both, Transaction::Own, Before::Unknown);
        assert!(own.iter().all(|finding| finding.id != "H36"), "{own:?}");
    }
}
