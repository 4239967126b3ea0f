//! H91: a partition leaves its table.

use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H91",
    title: "a partition is detached",
    class: Class::Lock,
    danger: "ACCESS EXCLUSIVE on the parent and the partition, for an instant, after every query of the parent has ended. CONCURRENTLY (14 and \
             later) takes SHARE UPDATE EXCLUSIVE on the parent; it is refused in a transaction and beside a default partition. The rows \
             are not found through the parent any more.",
    decided: Some("how many rows the partition holds"),
    safe: "ALTER TABLE … DETACH PARTITION … CONCURRENTLY, in no transaction",
    aka: &[("squawk", &["require-concurrent-partition-detach"]), ("pg-migration-lint", &["PGM004"]), ("migrationpilot", &["MP046"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::DetachPartition { table, partition, concurrently } = site.action else { return };
    let new = site.facts.is_new(table, site.at.file) || site.facts.is_new(partition, site.at.file);
    // In a transaction CONCURRENTLY is refused, which is told as that.
    if new || (*concurrently && site.in_block()) {
        return;
    }
    let lock = if *concurrently { Lock::ShareUpdateExclusive } else { Lock::AccessExclusive };
    if *concurrently {
        let default = site.facts.look(table, |table| table.default_partition.clone()).flatten();
        let title = match (site.facts.major, default) {
            (Some(..14), _) => Some("DETACH PARTITION CONCURRENTLY came with PostgreSQL 14".to_owned()),
            (_, Some(default)) => Some(format!("CONCURRENTLY is refused while {table} has a default partition, {default} (55000)")),
            _ => None,
        };
        if let Some(title) = title {
            return site.find(
                Draft::new(Severity::Error, title).lock(table, lock).remedy("detach without CONCURRENTLY, with a lock_timeout"),
            );
        }
    }
    let verdict = site.facts.any(partition);
    let severity = match (&verdict, concurrently) {
        (Verdict::Harmful(..), _) | (Verdict::Open(_), false) => Severity::Warning,
        (Verdict::Clear(_), _) | (Verdict::Open(_), true) => Severity::Note,
    };
    let decided = match verdict {
        Verdict::Open(DecidedBy::NotJudged(why)) if *concurrently => DecidedBy::NotJudged(why),
        other => other.decided(),
    };
    let waits = if *concurrently { "" } else { ", and everybody waits for both tables until it has its locks" };
    site.find(
        Draft::new(severity, format!("the rows of {partition} are not found through {table} any more{waits}"))
            .lock(table, lock)
            .by(decided)
            .remedy("move the readers to the partition first, and detach it CONCURRENTLY, in no transaction")
            .sql((!concurrently).then(|| {
                format!("ALTER TABLE {} DETACH PARTITION {} CONCURRENTLY;", table.quoted(), partition.quoted())
            })),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_partition_that_was_there_and_not_where_the_transaction_refuses_it_anyway() {
        fires("H91", "ALTER TABLE events DETACH PARTITION events_2019");
        silent("H91", "ALTER TABLE events DETACH PARTITION events_2019 CONCURRENTLY");
        silent("H91", "CREATE TABLE e (a int) PARTITION BY RANGE (a); CREATE TABLE p PARTITION OF e DEFAULT; ALTER TABLE e DETACH PARTITION p");
    }
}
