//! H85: a table is locked by name, or written anew as a whole.

use crate::review::cost::Work;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H85",
    title: "a table is locked by name, or written anew as a whole",
    class: Class::Lock,
    danger: "VACUUM FULL, CLUSTER, SET LOGGED, SET UNLOGGED, SET TABLESPACE and SET ACCESS METHOD write the whole table under ACCESS \
             EXCLUSIVE: nobody reads it until they are done. LOCK TABLE keeps others waiting until the transaction ends. An unlogged table \
             is empty after a crash, and not there on replicas.",
    decided: Some("how large the table is"),
    safe: "pg_repack or a new table filled in batches; plain VACUUM; no lock by name",
    aka: &[
        ("squawk", &["prefer-repack"]),
        ("pg-migration-lint", &["PGM018", "PGM021", "PGM506"]),
        ("safe-migrate", &["table-lock", "vacuum-full"]),
        ("migrationpilot", &["MP006", "MP032", "MP047", "MP065", "MP095"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::LockTable { tables, .. } => {
            let all: Vec<(TableName, Lock)> = site
                .costs
                .iter()
                .filter(|cost| tables.contains(&cost.table) && cost.lock.stops_writes())
                .map(|cost| (cost.table.clone(), cost.lock))
                .collect();
            for (table, lock) in all {
                if !site.facts.is_new(&table, site.at.file) {
                    locked(site, &table, lock);
                }
            }
        }
        Action::Storage { table, kind } => {
            // In a transaction VACUUM is refused, which is told as that.
            let refused = site.in_block() && kind.starts_with("vacuum");
            let whole = match table {
                Some(_) => site.costs.iter().any(|cost| cost.work == Work::Rewrite),
                None => matches!(kind.as_str(), "vacuum full" | "cluster"),
            };
            let new = table.as_ref().is_some_and(|table| site.facts.is_new(table, site.at.file));
            if whole && !refused && !new {
                rewritten(site, table.as_ref(), kind);
            }
        }
        _ => {}
    }
}

fn locked(site: &mut Site<'_, '_>, table: &TableName, lock: Lock) {
    let (severity, title) = if site.in_block() {
        (Severity::Warning, format!("locks {table} ({lock}): {} wait until the transaction ends", lock.blocks()))
    } else {
        (Severity::Error, format!("LOCK TABLE {table} outside of a transaction is refused (25P01)"))
    };
    site.find(
        Draft::new(severity, title)
            .lock(table, lock)
            .remedy("leave the lock to the statements that need one, or take it last and commit at once"),
    );
}

fn rewritten(site: &mut Site<'_, '_>, table: Option<&TableName>, kind: &str) {
    let words = kind.to_uppercase();
    let Some(table) = table else {
        let title = format!("{words} writes every table anew, each under ACCESS EXCLUSIVE");
        let why = DecidedBy::NotJudged("how large the tables are is not known".to_owned());
        return site.find(Draft::new(Severity::Warning, title).rewrites(true).by(why));
    };
    let (weight, decided) = site.facts.weight(table);
    let unlogged = kind == "set unlogged";
    let severity = if unlogged { weight.max(Severity::Warning) } else { weight };
    let lost = if unlogged { ", and a crash empties it from then on" } else { "" };
    site.find(
        Draft::new(severity, format!("{words} writes {table} anew while nobody reads or writes it{lost}"))
            .lock(table, Lock::AccessExclusive)
            .rewrites(true)
            .by(decided)
            .remedy("pg_repack, or a new table that is filled in batches and takes the name")
            .sql((kind == "vacuum full").then(|| format!("VACUUM {};", table.quoted()))),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_where_a_table_is_locked_by_name_or_written_anew_and_not_where_others_go_on() {
        fires("H85", "LOCK TABLE users IN EXCLUSIVE MODE");
        fires("H85", "CLUSTER users USING users_pkey");
        fires("H85", "ALTER TABLE users SET UNLOGGED");
        fires("H85", "ALTER TABLE users SET TABLESPACE fast");
        silent("H85", "LOCK TABLE users IN ROW EXCLUSIVE MODE");
        silent("H85", "ALTER TABLE users CLUSTER ON users_pkey");
        silent("H85", "CREATE TABLE t (a int); ALTER TABLE t SET UNLOGGED");
        let own = |sql: &str| {
            let found = found(sql, Transaction::Own, Before::Unknown);
            found.iter().any(|finding| finding.id == "H85")
        };
        assert!(own("VACUUM FULL users") && own("VACUUM (FULL)") && !own("VACUUM ANALYZE users"));
    }
}
