//! H81: a lock is held while something else takes its time.

use crate::review::affected::{self, Affected};
use crate::review::cost::{Cost, Work};
use crate::review::facts::by_rows;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H81",
    title: "a lock is held while something else takes its time",
    class: Class::Lock,
    danger: "Each lock is kept until the transaction ends. An ALTER TABLE that takes an instant keeps readers and writers waiting for as long \
             as the statements after it take: indexes, scans, backfills, also of other tables. drizzle-orm runs all pending files in one \
             transaction.",
    decided: Some("how large the tables are that are worked on later"),
    safe: "the slow part in a migration of its own, deployed separately, or before the first lock",
    aka: &[
        ("eugene", &["E4"]),
        ("pgfence", &["statement-after-access-exclusive", "wide-lock-window"]),
        ("migrationpilot", &["MP008"]),
    ],
    judge,
};

/// From so many tables on, two migrations or a migration and a job are likely to meet in the wrong order.
const SEVERAL: usize = 3;

/// What takes time here.
struct Slow {
    table: TableName,
    lock: Option<Lock>,
    words: &'static str,
    severity: Severity,
    decided: DecidedBy,
}

fn judge(site: &mut Site<'_, '_>) {
    if !site.in_block() {
        return;
    }
    let count = site.facts.session.held(site.at).len();
    if count > 0 {
        for slow in slow(site) {
            held(site, &slow);
        }
    }
    several(site);
}

fn slow(site: &mut Site<'_, '_>) -> Vec<Slow> {
    let mut found: Vec<Slow> = Vec::new();
    for cost in site.costs.iter().filter(|cost| cost.work > Work::Catalog) {
        if !site.facts.is_new(&cost.table, site.at.file) {
            let (severity, decided) = weight(site, cost);
            let (table, lock) = (cost.table.clone(), Some(cost.lock));
            found.push(Slow { table, lock, words: cost.work.words(), severity, decided });
        }
    }
    if site.at.action == 0 && runs_its_query(site.action) {
        for table in &site.statement.reads {
            let known = site.facts.look(table, |_| ()).is_some();
            if known && !site.facts.is_new(table, site.at.file) && !found.iter().any(|slow| slow.table == *table) {
                let (severity, decided) = site.facts.weight(table);
                found.push(Slow { table: table.clone(), lock: None, words: "read", severity, decided });
            }
        }
    }
    found
}

/// A view, a function, a policy only keep the query that they are made of.
fn runs_its_query(action: &Action) -> bool {
    match action {
        Action::CreateTable(create) => create.from_query,
        Action::CreateView { materialized, .. } => *materialized,
        Action::Select { .. }
        | Action::Insert { .. }
        | Action::Update { .. }
        | Action::Delete { .. }
        | Action::Merge { .. }
        | Action::Copy { .. }
        | Action::RefreshView { .. } => true,
        _ => false,
    }
}

/// By the rows that are written, where the database can tell how many, else by the whole table.
fn weight(site: &mut Site<'_, '_>, cost: &Cost) -> (Severity, DecidedBy) {
    let (severity, decided) = site.facts.weight(&cost.table);
    let (Action::Update { filter, .. } | Action::Delete { filter, .. }) = site.action else { return (severity, decided) };
    let wanted = severity > Severity::Note && !site.facts.session.has_told("H81", severity.word());
    if site.facts.live.is_none() || !wanted {
        return (severity, decided);
    }
    match affected::rows(site, &cost.table, filter.as_deref()) {
        Affected::Rows { count, decided, .. } => (by_rows(count), decided),
        Affected::Open(_) => (severity, decided),
    }
}

fn held(site: &mut Site<'_, '_>, slow: &Slow) {
    // A VALIDATE beside its own NOT VALID is told as that.
    let validates = matches!(site.action, Action::ValidateConstraint { .. });
    let waits = |taken: &&crate::review::session::Taken| {
        if taken.table == slow.table { !validates && slow.lock.is_none_or(|own| taken.lock > own) } else { true }
    };
    let all = site.facts.session.held(site.at);
    let Some(first) = all.iter().find(waits).cloned() else { return };
    let others = all.iter().filter(waits).map(|taken| &taken.table).filter(|table| **table != first.table).take(3).count();
    if !site.facts.session.first("H81", slow.severity.word()) {
        return;
    }
    let stay = match others {
        0 => format!("{} stays locked", first.table),
        1 => format!("{} and another table stay locked", first.table),
        _ => format!("{} and several other tables stay locked", first.table),
    };
    let place = if first.at.file == site.at.file { format!("line {}", first.line) } else { "an earlier file".to_owned() };
    let title = format!(
        "{stay} ({} since {place}: {} wait) while {} is {}",
        first.lock,
        first.lock.blocks(),
        slow.table,
        slow.words
    );
    site.find(
        Draft::new(slow.severity, title)
            .lock(&first.table, first.lock)
            .by(slow.decided.clone())
            .remedy("do the slow part first or in a later migration, deployed separately")
            .sql([
                format!("-- this migration: all but the slow part, so that {} is free at once", first.table),
                "-- a later migration, deployed separately:".to_owned(),
                format!("{};", site.statement.text),
            ]),
    );
}

/// Tables that are locked together, each for an instant.
fn several(site: &mut Site<'_, '_>) {
    let before = site.facts.session.tables();
    if before >= SEVERAL {
        return;
    }
    let mut more: Vec<TableName> = Vec::new();
    for cost in site.costs.iter().filter(|cost| cost.lock.stops_writes()) {
        let counted = site.facts.session.locked(&cost.table) || more.contains(&cost.table);
        if !counted && !site.facts.is_new(&cost.table, site.at.file) {
            more.push(cost.table.clone());
        }
    }
    if before + more.len() >= SEVERAL && site.facts.session.first("H81", "several") {
        let title = format!("{} tables are locked together until the transaction ends", before + more.len());
        site.find(
            Draft::new(Severity::Note, title)
                .remedy("one migration for each table, deployed separately, where the tables are busy"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found};

    fn worst(sql: &str, transaction: Transaction) -> Option<Severity> {
        let found = found(sql, transaction, Before::Unknown);
        found.iter().filter(|finding| finding.id == "H81").map(|finding| finding.severity).max()
    }

    #[test]
    fn fires_on_work_after_a_lock_and_not_before_it_nor_in_another_transaction() {
        fires("H81", "ALTER TABLE a ADD COLUMN x int; UPDATE b SET y = 1");
        fires("H81", "ALTER TABLE a ADD COLUMN x int; UPDATE a SET x = 1");
        assert_eq!(worst("UPDATE b SET y = 1; ALTER TABLE a ADD COLUMN x int", Transaction::Set), None);
        assert_eq!(worst("ALTER TABLE a ADD COLUMN x int; UPDATE b SET y = 1", Transaction::Own), None);
        assert_eq!(worst("CREATE TABLE a (x int); UPDATE b SET y = 1", Transaction::Set), None);
        assert_eq!(worst("ALTER TABLE a ADD COLUMN x int; INSERT INTO b VALUES (1)", Transaction::Set), None);
    }

    #[test]
    fn three_tables_locked_for_an_instant_are_a_note() {
        let sql = "ALTER TABLE a ADD COLUMN x int; ALTER TABLE b ADD COLUMN x int; ALTER TABLE c ADD COLUMN x int";
        assert_eq!(worst(sql, Transaction::Set), Some(Severity::Note));
    }
}
