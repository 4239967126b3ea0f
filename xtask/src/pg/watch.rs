//! What a statement did to the database, seen from inside its own transaction: locks, rewrites, scans, log.
//!
//! Watching happens between statements. Locks show modes, not waits. Relations that the transaction made itself count nowhere:
//! nobody else can wait for them. A relation bears the name that it had before the statement, which is the one the statement uses.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use postgres::GenericClient;
use serde::{Deserialize, Serialize};

use super::error::Told;
use super::lock_mode::Mode;
use crate::sql::TableName;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    pub relation: TableName,
    pub mode: Mode,
}

/// What is held on a relation: the strongest lock before the statement and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub relation: TableName,
    /// A table, and no index, view or sequence.
    pub is_table: bool,
    /// Whether it had a page before the statement.
    pub has_rows: bool,
    pub before: Option<Mode>,
    pub after: Mode,
}

/// One statement's doings.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    /// What no earlier statement held.
    pub locks: Vec<Lock>,
    pub standing: Vec<Standing>,
    /// Tables and indexes whose file is another one now.
    pub rewrote: Vec<TableName>,
    /// Rows that this session read in sequence; those that parallel workers read are not among them.
    pub scanned: Vec<(TableName, i64)>,
    pub wal_bytes: i64,
}

#[derive(Clone)]
struct Relation {
    name: TableName,
    is_table: bool,
    filenode: u32,
    has_rows: bool,
}

const RELATIONS: &str = "
select c.oid, n.nspname, c.relname, c.relkind in ('r', 'p', 'm', 'f'), coalesce(pg_catalog.pg_relation_filenode(c.oid), 0),
  c.relkind in ('r', 'm') and coalesce(pg_catalog.pg_relation_size(c.oid), 0) > 0
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'm', 'i', 'I', 'S', 'v', 'f')";

const LOCKS: &str = "
select relation, mode from pg_catalog.pg_locks
where pid = pg_catalog.pg_backend_pid() and locktype = 'relation' and granted
  and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())";

const READ: &str = "select relid, seq_tup_read from pg_catalog.pg_stat_xact_user_tables where seq_tup_read > 0";

pub(super) struct Watch {
    relations: BTreeMap<u32, Relation>,
    /// By this transaction.
    made: BTreeSet<u32>,
    held: BTreeSet<(u32, Mode)>,
    read: BTreeMap<u32, i64>,
    wal: i64,
}

impl Watch {
    /// At the start of a transaction.
    pub(super) fn start(client: &mut impl GenericClient) -> Result<Watch> {
        Ok(Watch {
            relations: relations(client)?,
            made: BTreeSet::new(),
            held: locks(client)?,
            read: read(client)?,
            wal: wal(client)?,
        })
    }

    /// Right before a statement.
    pub(super) fn before(&mut self, client: &mut impl GenericClient) -> Result<()> {
        self.wal = wal(client)?;
        Ok(())
    }

    /// Right after it.
    pub(super) fn after(&mut self, client: &mut impl GenericClient) -> Result<Seen> {
        let wal_bytes = wal(client)? - self.wal;
        let (held, read, now) = (locks(client)?, read(client)?, relations(client)?);
        let by_name: BTreeMap<&TableName, u32> =
            self.relations.iter().map(|(oid, relation)| (&relation.name, *oid)).collect();
        let mut made = self.made.clone();
        let mut rewrote = Vec::new();
        for (oid, relation) in &now {
            // An index on an altered column comes back under its name with another OID.
            let was = if self.relations.contains_key(oid) { Some(*oid) } else { by_name.get(&relation.name).copied() };
            match was.and_then(|was| Some((was, self.relations.get(&was)?))) {
                Some((was, _)) if self.made.contains(&was) => _ = made.insert(*oid),
                Some((_, was)) if was.filenode != relation.filenode => rewrote.push(was.name.clone()),
                Some(_) => {}
                None => _ = made.insert(*oid),
            }
        }
        let known = |oid: &u32| self.relations.get(oid).filter(|_| !made.contains(oid));
        let new = held.difference(&self.held);
        let mut locks: Vec<Lock> =
            new.filter_map(|(oid, mode)| Some(Lock { relation: known(oid)?.name.clone(), mode: *mode })).collect();
        let oids: BTreeSet<u32> = held.iter().map(|(oid, _)| *oid).collect();
        let standing = oids.iter().filter_map(|oid| {
            let relation = known(oid)?;
            Some(Standing {
                relation: relation.name.clone(),
                is_table: relation.is_table,
                has_rows: relation.has_rows,
                before: strongest(&self.held, *oid),
                after: strongest(&held, *oid)?,
            })
        });
        let standing = standing.collect();
        let scanned = read.iter().filter_map(|(oid, rows)| {
            let rows = rows - self.read.get(oid).unwrap_or(&0);
            (rows > 0).then_some((known(oid)?.name.clone(), rows))
        });
        let mut scanned: Vec<(TableName, i64)> = scanned.collect();
        locks.sort();
        rewrote.sort();
        scanned.sort();
        (self.relations, self.made, self.held, self.read) = (now, made, held, read);
        Ok(Seen { locks, standing, rewrote, scanned, wal_bytes })
    }
}

fn strongest(held: &BTreeSet<(u32, Mode)>, oid: u32) -> Option<Mode> {
    held.range((oid, Mode::AccessShare)..=(oid, Mode::AccessExclusive)).next_back().map(|(_, mode)| *mode)
}

fn relations(client: &mut impl GenericClient) -> Result<BTreeMap<u32, Relation>> {
    let rows = client.query(RELATIONS, &[]).told("reading the file nodes")?;
    Ok(rows
        .iter()
        .map(|row| {
            let name = TableName::new(row.get(1), row.get(2));
            (row.get(0), Relation { name, is_table: row.get(3), filenode: row.get(4), has_rows: row.get(5) })
        })
        .collect())
}

fn locks(client: &mut impl GenericClient) -> Result<BTreeSet<(u32, Mode)>> {
    let rows = client.query(LOCKS, &[]).told("reading the locks")?;
    let lock = |row: &postgres::Row| {
        let mode: &str = row.get(1);
        Ok((row.get(0), Mode::read(mode).with_context(|| format!("the lock mode `{mode}` is not known"))?))
    };
    rows.iter().map(lock).collect()
}

fn read(client: &mut impl GenericClient) -> Result<BTreeMap<u32, i64>> {
    let rows = client.query(READ, &[]).told("reading how many rows were read")?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

fn wal(client: &mut impl GenericClient) -> Result<i64> {
    let sql = "select pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint";
    Ok(client.query_one(sql, &[]).told("reading the place in the log")?.get(0))
}

/// The first 80 characters of a statement on one line, with every quoted text replaced.
pub(super) fn shown(sql: &str) -> String {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(place) = rest.find(['\'', '"', '$']) {
        let (before, from) = rest.split_at(place);
        out.push_str(before);
        let end = match &from[..1] {
            // A doubled quote inside reads as two texts in a row, which comes to the same.
            quote @ ("'" | "\"") => from[1..].find(quote).map(|end| end + 2),
            _ => from[1..]
                .find('$')
                .map(|end| &from[..end + 2])
                .filter(|tag| is_tag(tag))
                .and_then(|tag| from[tag.len()..].find(tag).map(|end| end + 2 * tag.len())),
        };
        let end = end.unwrap_or(if from.starts_with('$') { 1 } else { from.len() });
        let quoted = &from[..end];
        if quoted.starts_with('"') || quoted == "$" {
            out.push_str(quoted);
        } else if !out.ends_with("'…'") {
            out.push_str("'…'");
        }
        rest = &from[end..];
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(80).collect()
}

fn is_tag(text: &str) -> bool {
    text.trim_matches('$').chars().all(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn texts_are_not_shown() {
        assert_eq!(
            shown("update \"T's\"\n set a = 'it''s' || $x$ se'cret $x$, b = $1"),
            "update \"T's\" set a = '…' || '…', b = $1"
        );
        assert_eq!(shown("select 'open"), "select '…'");
    }
}
