//! H84: somebody holds the table now.

use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H84",
    title: "somebody holds the table now",
    class: Class::Lock,
    danger: "The statement waits until the transactions end that have a lock on the table, and everybody after it waits with it. A prepared \
             transaction keeps its locks until somebody ends it. CONCURRENTLY waits for every transaction that began before.",
    decided: Some("which transactions of more than five seconds hold the table"),
    safe: "end or wait for the transactions first, and set lock_timeout",
    aka: &[("migrationpilot", &["MP019"])],
    judge,
};

const HOLDERS: &str = "
select count(*) filter (where l.pid is null), count(distinct a.pid) filter (where a.xact_start < now() - interval '5 seconds'),
  coalesce(max(extract(epoch from now() - a.xact_start)), 0)::bigint
from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  left join pg_catalog.pg_stat_activity a on a.pid = l.pid
where l.locktype = 'relation' and l.granted and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  and n.nspname = $1 and c.relname = $2 and l.pid is distinct from pg_catalog.pg_backend_pid()
  and ($3 or l.mode not in ('AccessShareLock', 'RowShareLock'))
  and (a.backend_type is distinct from 'autovacuum worker' or a.query like '%wraparound%')";

const OLDER: &str = "
select (select count(*) from pg_catalog.pg_prepared_xacts where database = current_database()), count(*),
  coalesce(max(extract(epoch from now() - xact_start)), 0)::bigint
from pg_catalog.pg_stat_activity
where datname = current_database() and pid <> pg_catalog.pg_backend_pid() and xact_start < now() - interval '5 seconds'
  and backend_type = 'client backend'";

fn judge(site: &mut Site<'_, '_>) {
    if site.facts.live.is_none() {
        return;
    }
    let waits_for_all = matches!(site.action, Action::CreateIndex(index) if index.concurrently)
        || matches!(site.action, Action::DropIndex { concurrently: true, .. } | Action::Reindex { concurrently: true, .. });
    for cost in site.costs.iter().filter(|cost| cost.lock.stops_writes() || waits_for_all) {
        let name = site.facts.look(&cost.table, |table| table.in_database.clone()).flatten();
        let Some(name) = name.filter(|_| !site.facts.is_new(&cost.table, site.at.file)) else { continue };
        if site.facts.session.first("H84", &cost.table.to_string()) {
            holders(site, &cost.table, &name, cost.lock, waits_for_all);
        }
    }
}

fn holders(site: &mut Site<'_, '_>, table: &TableName, name: &TableName, lock: Lock, waits_for_all: bool) {
    let Some(live) = site.facts.live.as_mut() else { return };
    let answer = if waits_for_all {
        live.rows(OLDER, &[])
    } else {
        live.rows(HOLDERS, &[&name.schema, &name.name, &(lock == Lock::AccessExclusive)])
    };
    let Some(row) = answer.as_ref().and_then(|rows| rows.first()) else { return };
    let (prepared, long, seconds): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let what = if waits_for_all { "are open".to_owned() } else { format!("hold {table}") };
    let (severity, title) = match (prepared, long) {
        (0, 0) => return,
        (0, long) => (Severity::Warning, format!("transactions {what} now: {long}, the oldest for {seconds} s")),
        (prepared, _) => {
            let count = if waits_for_all { prepared.to_string() } else { format!("{prepared} locks") };
            (Severity::Error, format!("prepared transactions {what} now ({count}), until somebody ends them"))
        }
    };
    let decided = site.facts.decided(&format!("{prepared} prepared, {long} of more than 5 s"), None);
    site.find(
        Draft::new(severity, title)
            .lock(table, lock)
            .by(decided)
            .remedy("wait until they have ended, or end them, before the migration runs")
            .sql([
                "SELECT pid, now() - xact_start, state FROM pg_stat_activity WHERE xact_start < now() - interval '5 seconds';",
                "SELECT gid, prepared FROM pg_prepared_xacts;",
            ]),
    );
}

#[cfg(test)]
mod tests {
    use crate::pg::server::{Server, Settings};
    use crate::pg::testing::programs;
    use crate::review::finding::Severity;
    use crate::review::live::Asked;
    use crate::review::set::{Set, Source, Transaction};

    #[test]
    fn a_prepared_transaction_that_holds_the_table_is_an_error_until_it_has_ended() {
        let extra = vec![("max_prepared_transactions".to_owned(), "2".to_owned())];
        let server = Server::start(&programs(), &Settings { extra, ..Settings::default() }).unwrap();
        server.create_database("held").unwrap();
        let mut client = server.connect("held").unwrap();
        let mut worst = |sql: &str| {
            client.batch_execute(sql).unwrap();
            let text = "ALTER TABLE t ADD COLUMN a int; ALTER TABLE t ADD COLUMN b int; DROP INDEX u_a".to_owned();
            let files = vec![Source { path: "a.sql".into(), text, transaction: Transaction::Set }];
            let asked = Asked { client: &mut client, name: "test".to_owned(), instead_of: None };
            let found = crate::review::review(&Set { files, ..Set::default() }, Some(asked)).findings;
            found.iter().filter(|finding| finding.id == "H84").map(|finding| finding.severity).collect::<Vec<_>>()
        };
        let made = "CREATE TABLE t (id int); CREATE TABLE u (a int); CREATE INDEX u_a ON u (a)";
        assert_eq!(worst(made), []);
        assert_eq!(worst("BEGIN; SELECT FROM t; PREPARE TRANSACTION 'x'"), [Severity::Error]);
        assert_eq!(worst("COMMIT PREPARED 'x'"), []);
    }
}
