//! Whether what is about to go is still used, as far as the server counts: scans and writes of tables, and the queries that
//! `pg_stat_statements` remembers.
//!
//! Invariant: it informs, and closes nothing: a count of zero is about this server and since its counting began.

use super::finding::DecidedBy;
use super::live::{Live, MARK};
use crate::numbers::thousands;
use crate::sql::TableName;

/// `read 312 and written 4 times in 30 days`
pub(super) fn of_table(live: &mut Live<'_>, table: &TableName) -> Option<String> {
    let sql = "
select coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0), s.n_tup_ins + s.n_tup_upd + s.n_tup_del,
  (extract(epoch from pg_catalog.now() - coalesce(d.stats_reset, pg_catalog.pg_postmaster_start_time())) / 86400)::bigint
from pg_catalog.pg_stat_all_tables s, pg_catalog.pg_stat_database d
where s.schemaname = $1 and s.relname = $2 and d.datname = pg_catalog.current_database()";
    let rows = live.rows(sql, &[&table.schema, &table.name])?;
    let row = rows.first()?;
    let (scans, writes, days): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    let span = match days {
        0 => "since yesterday".to_owned(),
        1 => "in a day".to_owned(),
        days => format!("in {days} days"),
    };
    Some(match (scans, writes) {
        (0, 0) => format!("not used {span}"),
        _ => format!("{} scans and {} rows written {span}", thousands(scans), thousands(writes)),
    })
}

/// `5 remembered queries name it`; `None` where nothing remembers queries, or not for this role.
pub(super) fn in_queries(live: &mut Live<'_>, names: &[&str]) -> Option<String> {
    let place =
        "select n.nspname::text from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
where e.extname = 'pg_stat_statements'";
    let schema: String = live.rows(place, &[])?.first()?.get(0);
    let view = TableName::new(&schema, "pg_stat_statements").quoted();
    let sql = format!(
        "select count(*) from {view} q where q.dbid = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
  and pg_catalog.strpos(q.query, '{MARK}') = 0 and q.query ~* '^\\s*(with|select|insert|update|delete|merge)' and (select bool_and(q.query ~* word) from unnest($1::text[]) word)"
    );
    let words: Vec<String> = names.iter().map(|name| format!("\\y{}\\y", escaped(name))).collect();
    let count: i64 = live.rows(&sql, &[&words])?.first()?.get(0);
    let (queries, name) = if count == 1 { ("query", "names") } else { ("queries", "name") };
    Some(format!("{} remembered {queries} {name} it", thousands(count)))
}

/// For a regular expression of PostgreSQL.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        if !character.is_alphanumeric() && character != '_' {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// `production (20,000 rows, 3 ms)` with `; 3 scans …` behind it.
pub(super) fn and(decided: DecidedBy, more: Option<String>) -> DecidedBy {
    match (decided, more) {
        (DecidedBy::Live(detail), Some(more)) => DecidedBy::Live(format!("{detail}; {more}")),
        (decided, _) => decided,
    }
}

#[cfg(test)]
mod tests {
    use crate::pg::server::{Server, Settings};
    use crate::pg::testing::programs;
    use crate::review::live::Asked;
    use crate::review::set::{Set, Source, Transaction};

    #[test]
    fn a_drop_says_how_much_the_table_is_used_and_which_queries_name_the_column() {
        let extra = vec![("shared_preload_libraries".to_owned(), "pg_stat_statements".to_owned())];
        let server = Server::start(&programs(), &Settings { extra, ..Settings::default() }).unwrap();
        server.create_database("used").unwrap();
        let mut client = server.connect("used").unwrap();
        client
            .batch_execute("create extension pg_stat_statements; create table tallies (\"My Mail\" text); create table u (a int); select a from u")
            .unwrap();
        client.batch_execute("insert into tallies values ('x'); select \"My Mail\" from tallies").unwrap();
        client.batch_execute("select pg_stat_force_next_flush()").unwrap();
        let mut decided = |sql: &str| {
            let files = vec![Source { path: "a.sql".into(), text: sql.to_owned(), transaction: Transaction::Set }];
            let asked = Asked { client: &mut client, name: "test".to_owned(), instead_of: None };
            let found = crate::review::review(&Set { files, ..Set::default() }, Some(asked)).findings;
            let found = found.iter().filter(|finding| ["H01", "H02"].contains(&finding.id));
            found.map(|finding| finding.decided_by.to_string()).collect::<String>()
        };
        let column = decided("ALTER TABLE tallies DROP COLUMN \"My Mail\"");
        assert!(column.contains("; 1 remembered query names it"), "{column}");
        let table = decided("DROP TABLE tallies");
        assert!(table.contains("and 1 rows written since yesterday; 2 remembered queries name it"), "{table}");
    }
}
