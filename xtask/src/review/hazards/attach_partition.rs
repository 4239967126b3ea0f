//! H90: rows are compared with the bounds of a partition.

use crate::review::facts::{Question, Verdict};
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::partitions::{self, Bounds};
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H90",
    title: "rows are compared with the bounds of a partition",
    class: Class::Lock,
    danger: "ATTACH PARTITION reads the whole new partition under ACCESS EXCLUSIVE on it, unless a valid CHECK says the same as the bounds and \
             the key is NOT NULL; a row outside fails it (23514). A new partition also makes the default one be read, under ACCESS \
             EXCLUSIVE; a row there that belongs to the new one fails it.",
    decided: Some("how large the partitions are, and how many rows are on the wrong side"),
    safe: "ADD CHECK … NOT VALID, VALIDATE CONSTRAINT, then ATTACH, then drop the check",
    aka: &[("pg-migration-lint", &["PGM005"]), ("migrationpilot", &["MP094"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::AttachPartition { table, partition, bounds } => {
            let bounds = partitions::bounds(bounds);
            if !site.facts.is_new(partition, site.at.file) {
                attached(site, table, partition, &bounds);
            }
            beside_the_default(site, table, &bounds);
        }
        Action::CreateTable(create) => {
            if let Some(parent) = &create.partition_of {
                let bounds = create.bounds.as_deref().map_or(Bounds::Other, partitions::bounds);
                beside_the_default(site, parent, &bounds);
            }
        }
        _ => {}
    }
}

/// The column of the parent's key, where it is one.
fn key(site: &mut Site<'_, '_>, parent: &TableName) -> Option<String> {
    let key = site.facts.look(parent, |parent| parent.partition_key.clone()).flatten()?;
    partitions::key(&key).map(|(_, column)| column)
}

fn attached(site: &mut Site<'_, '_>, parent: &TableName, partition: &TableName, bounds: &Bounds) {
    let column = key(site, parent);
    if let Some(column) = &column
        && site.facts.look(partition, |table| partitions::proven(table, bounds, column)).unwrap_or(false)
    {
        return;
    }
    let test = column.as_ref().and_then(|column| Some((column.clone(), partitions::inside(bounds, &quote(column))?)));
    let verdict = match &test {
        Some((column, inside)) => {
            let columns = [column.clone()];
            site.facts.such(partition, &columns, &format!("({inside}) IS NOT TRUE"), "rows outside of the bounds")
        }
        None => match site.facts.any(partition) {
            Verdict::Harmful(..) => {
                Verdict::Open(DecidedBy::NotJudged(format!("which rows fit the bounds of {parent} is not known")))
            }
            other => other,
        },
    };
    let condition = test.map_or_else(|| "<the bounds>".to_owned(), |(_, inside)| inside);
    let (weight, size) = site.facts.weight(partition);
    let severity = verdict.severity(Severity::Note).max(weight);
    let fails = if matches!(verdict, Verdict::Harmful(..)) { "fails on rows outside of its bounds, and " } else { "" };
    let decided = if matches!(verdict, Verdict::Clear(_)) && weight > Severity::Note { size } else { verdict.decided() };
    let name = quote(&format!("{}_bounds", partition.name));
    let sql = partition.quoted();
    site.find(
        Draft::new(severity, format!("attaching {partition} {fails}reads all its rows while nobody else does"))
            .lock(partition, Lock::AccessExclusive)
            .scans(true)
            .by(decided)
            .remedy("let a CHECK prove the bounds first, in transactions of their own")
            .sql([
                format!("ALTER TABLE {sql} ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID;"),
                "-- a later migration, deployed separately:".to_owned(),
                format!("ALTER TABLE {sql} VALIDATE CONSTRAINT {name};"),
                "-- a later migration, deployed separately:".to_owned(),
                format!("{};", site.statement.text),
                format!("ALTER TABLE {sql} DROP CONSTRAINT {name};"),
            ]),
    );
}

fn beside_the_default(site: &mut Site<'_, '_>, parent: &TableName, bounds: &Bounds) {
    if *bounds == Bounds::Default || site.facts.is_new(parent, site.at.file) {
        return;
    }
    let known = site.facts.look(parent, |table| (table.partitioned, table.default_partition.clone()));
    let Some((true, default)) = known else {
        let why = format!("whether {parent} has a default partition is not known");
        return site.find(
            Draft::new(Severity::Warning, format!("a default partition of {parent}, if there is one, is read for the new one"))
                .on(parent)
                .by(DecidedBy::NotJudged(why)),
        );
    };
    let Some(default) = default.filter(|default| default != &own(site.action)) else { return };
    if site.facts.is_new(&default, site.at.file) {
        return;
    }
    let column = key(site, parent);
    let verdict = match column.and_then(|column| Some((partitions::inside(bounds, &quote(&column))?, column))) {
        Some((inside, column)) => {
            site.facts.such(&default, &[column], &format!("({inside})"), "rows that belong to the new partition")
        }
        None => {
            let sql = |table: &TableName, _: &[String]| format!("SELECT count(*) FROM {}", table.quoted());
            match site.facts.rows(&Question { table: &default, columns: &[], sql: &sql, unit: "rows" }) {
                Verdict::Harmful(..) => {
                    Verdict::Open(DecidedBy::NotJudged("which rows fit the bounds is not known".to_owned()))
                }
                other => other,
            }
        }
    };
    let (weight, size) = site.facts.weight(&default);
    let severity = verdict.severity(Severity::Note).max(weight);
    let fails = if matches!(verdict, Verdict::Harmful(..)) { ", which fails on them" } else { "" };
    let decided = if matches!(verdict, Verdict::Clear(_)) && weight > Severity::Note { size } else { verdict.decided() };
    site.find(
        Draft::new(severity, format!("all rows of {default} are read for those that belong to the new partition{fails}"))
            .lock(&default, Lock::AccessExclusive)
            .scans(true)
            .by(decided)
            .remedy("a CHECK on the default partition that excludes the new bounds, validated first, spares the reading")
            .sql([
                format!("ALTER TABLE {} ADD CONSTRAINT \"not_in_the_new_one\" CHECK (NOT (<the bounds>)) NOT VALID;", default.quoted()),
                "-- a later migration, deployed separately:".to_owned(),
                format!("ALTER TABLE {} VALIDATE CONSTRAINT \"not_in_the_new_one\";", default.quoted()),
            ]),
    );
}

/// The partition that the action itself makes.
fn own(action: &Action) -> TableName {
    match action {
        Action::AttachPartition { partition, .. } => partition.clone(),
        Action::CreateTable(create) => create.table.clone(),
        _ => TableName::new("", ""),
    }
}

#[cfg(test)]
mod tests {
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    const BOUNDS: &str = "FOR VALUES FROM (1) TO (9)";

    #[test]
    fn fires_on_rows_that_may_be_there_and_not_on_a_new_partition_without_a_default() {
        fires("H90", &format!("ALTER TABLE e ATTACH PARTITION old {BOUNDS}"));
        fires("H90", &format!("CREATE TABLE e2 PARTITION OF e {BOUNDS}"));
        silent("H90", &format!("CREATE TABLE e (a int) PARTITION BY RANGE (a); CREATE TABLE e2 PARTITION OF e {BOUNDS}"));
        let before = "CREATE TABLE e (a int NOT NULL) PARTITION BY RANGE (a); CREATE TABLE old (a int NOT NULL, CHECK (a >= 1 AND a < 9));";
        let count = |more: &str, sql: &str| {
            let found = found(sql, Transaction::Set, Before::Files(vec![format!("{before}{more}")]));
            found.iter().filter(|finding| finding.id == "H90").count()
        };
        assert_eq!(count("", &format!("ALTER TABLE e ATTACH PARTITION old {BOUNDS}")), 0);
        assert_eq!(count("", "ALTER TABLE e ATTACH PARTITION old FOR VALUES FROM (1) TO (8)"), 1);
        assert_eq!(count("", &format!("CREATE TABLE e2 PARTITION OF e {BOUNDS}")), 0);
        let default = "CREATE TABLE rest PARTITION OF e DEFAULT;";
        assert_eq!(count(default, &format!("CREATE TABLE e2 PARTITION OF e {BOUNDS}")), 1);
    }
}
