//! H102: a large table is written anew, beside the old one.
//!
//! How much room the server's disks have, no query without special rights tells; said is only what will be needed.

use crate::review::facts::LARGE_BYTES;
use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::live::{Volume, size};
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H102",
    title: "a large table needs its room twice",
    class: Class::Lock,
    danger: "A rewrite writes the table and all its indexes anew while the old files stay until the transaction ends; an index is built \
             beside what is there. As much goes into the log, and to each replica. A full disk stops every write of the server (53100).",
    decided: Some("how large the table is with its indexes; what is free is not asked, no role without special rights may see it"),
    safe: "look at the free room of the data and log volumes, and at the replicas, before; expand, backfill in batches and contract",
    aka: &[("migrationpilot", &["MP102", "MP103", "MP110"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let builds = match site.action {
        Action::CreateIndex(index) => Some(&index.table),
        Action::AddUnique { table, using_index: None, .. } => Some(table),
        _ => None,
    };
    let (table, rewrites) = match builds {
        Some(table) => (table.clone(), false),
        None => match written_anew(site) {
            Some(table) => (table, true),
            None => return,
        },
    };
    let Some(volume) = site.facts.volume(&table) else { return };
    if let Some(what) = needed(&table, volume, rewrites) {
        let by = site.facts.decided(&volume.words(), None);
        site.find(Draft::new(Severity::Note, what).on(&table).by(by).remedy("look at the free room of the data and log volumes first"));
    }
}

/// What another hazard found to be written anew by this very action.
fn written_anew(site: &Site<'_, '_>) -> Option<TableName> {
    let here = site.found.iter().rev().take_while(|found| found.file == site.at.file && found.span.start == site.statement.start);
    let tables = site.action.tables();
    here.filter(|found| found.rewrites && found.id != site.hazard.id)
        .find_map(|found| found.table.clone().filter(|table| tables.contains(&table)))
}

fn needed(table: &TableName, volume: Volume, rewrites: bool) -> Option<String> {
    let room = size(volume.bytes);
    (volume.bytes >= LARGE_BYTES).then(|| {
        if rewrites {
            format!("writing {table} anew needs up to {room} more until the transaction ends, and as much in the log; what is free was not asked")
        } else {
            format!("an index on {table} ({room}) needs room beside it, in the log and for sorting; what is free was not asked")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_large_table_is_worth_a_word() {
        let volume = |bytes| Volume { rows: 1, exact: true, bytes };
        let table = TableName::new("public", "users");
        assert!(needed(&table, volume(LARGE_BYTES * 3), true).is_some_and(|what| what.contains("3.0 GB")));
        assert!(needed(&table, volume(LARGE_BYTES * 3), false).is_some());
        assert_eq!(needed(&table, volume(LARGE_BYTES - 1), true), None);
    }
}
