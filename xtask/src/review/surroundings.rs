//! What stands around a column: the views over it, the partition key of its table, the session's time zone.
//!
//! Invariant: no answer means that nobody knows, never that there is nothing.

use super::catalog::Table;
use super::condition;
use super::facts::Facts;
use crate::sql::TableName;

impl Facts<'_> {
    /// Views that use the column, by its name in the database.
    pub(super) fn views_over(&mut self, table: &TableName, column: &str) -> Vec<String> {
        let sql = "
select distinct v.relname::text from pg_catalog.pg_depend d join pg_catalog.pg_rewrite r on r.oid = d.objid
  join pg_catalog.pg_class v on v.oid = r.ev_class join pg_catalog.pg_class c on c.oid = d.refobjid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid
where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  and v.oid <> c.oid and n.nspname = $1 and c.relname = $2 and a.attname = $3 order by 1";
        let found = self.column(table, column).and_then(|column| column.in_database);
        let name = self.look(table, |table| table.in_database.clone()).flatten();
        let (Some(column), Some(name), Some(live)) = (found, name, self.live.as_mut()) else { return Vec::new() };
        let rows = live.rows(sql, &[&name.schema, &name.name, &column]).unwrap_or_default();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// What keeps a table, or one of its columns, from being dropped without CASCADE: foreign keys of others, views, generated columns.
    pub(super) fn holders(&mut self, table: &TableName, column: Option<&str>) -> Vec<String> {
        let others = self.referrers(table, false).unwrap_or_default();
        let refers = |known: &Table| {
            let to = known.constraints.values().filter_map(|constraint| constraint.references.as_ref());
            to.into_iter()
                .any(|(to, columns)| to == table && column.is_none_or(|column| columns.iter().any(|of| of == column)))
        };
        let mut names: Vec<String> = Vec::new();
        for other in others {
            if self.look(&other, refers).unwrap_or(false) {
                names.push(other.to_string());
            }
        }
        if column.is_some() && self.look(table, refers).unwrap_or(false) {
            names.push(table.to_string());
        }
        let columns = match column {
            Some(column) => vec![column.to_owned()],
            None => self.look(table, |known| known.columns.keys().cloned().collect()).unwrap_or_default(),
        };
        if let Some(column) = column {
            names.extend(self.computed_from(table, column));
        }
        for column in columns {
            names.extend(self.views_over(table, &column).into_iter().map(|view| format!("view {view}")));
        }
        names.sort();
        names.dedup();
        names
    }

    /// Generated columns of the table that are computed from this one.
    fn computed_from(&mut self, table: &TableName, column: &str) -> Vec<String> {
        let sql = "
select distinct g.attname::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = $3 join pg_catalog.pg_attrdef e on e.adrelid = c.oid
  join pg_catalog.pg_attribute g on g.attrelid = c.oid and g.attnum = e.adnum and g.attgenerated <> '' and g.attnum <> a.attnum
  join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum
    and (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and d.objid = e.oid
      or d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid and d.objsubid = g.attnum)
where n.nspname = $1 and c.relname = $2 order by 1";
        let found = self.column(table, column).and_then(|column| column.in_database);
        let name = self.table(table).and_then(|table| table.in_database.clone());
        let (Some(column), Some(name), Some(live)) = (found, name, self.live.as_mut()) else { return Vec::new() };
        let rows = live.rows(sql, &[&name.schema, &name.name, &column]).unwrap_or_default();
        let all: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        all.into_iter().filter(|name| self.column(table, name).is_some()).collect()
    }

    /// Whether a table survives a crash: LOGGED.
    pub(super) fn kept(&mut self, table: &TableName) -> Option<bool> {
        let sql = "
select c.relpersistence = 'p' from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2";
        let name = self.table(table)?.in_database.clone()?;
        let rows = self.live.as_mut()?.rows(sql, &[&name.schema, &name.name])?;
        rows.first().map(|row| row.get(0))
    }

    /// Partitions of a table with their bounds, as the database has them.
    pub(super) fn partitions(&mut self, table: &TableName) -> Option<Vec<(TableName, String)>> {
        let sql = "
select cn.nspname, c.relname, pg_catalog.pg_get_expr(c.relpartbound, c.oid) from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
  join pg_catalog.pg_class p on p.oid = i.inhparent join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
where pn.nspname = $1 and p.relname = $2 and c.relispartition order by 1, 2";
        let name = self.table(table)?.in_database.clone()?;
        let rows = self.live.as_mut()?.rows(sql, &[&name.schema, &name.name])?;
        Some(rows.iter().map(|row| (TableName::new(row.get(0), row.get(1)), row.get(2))).collect())
    }

    /// The columns that a partitioned table is divided by.
    pub(super) fn partition_key(&mut self, table: &TableName) -> Vec<String> {
        let of = |table: &Table| table.partition_key.as_deref().map(|key| condition::columns(key, table));
        self.look(table, of).flatten().unwrap_or_default()
    }

    /// The time zone in force: as the files set it, else as a session of the database begins.
    pub(super) fn time_zone(&mut self) -> Option<String> {
        if let Some(set) = self.settings.get("timezone") {
            return Some(set.clone());
        }
        let rows = self.live.as_mut()?.rows("select pg_catalog.current_setting('TimeZone')", &[])?;
        rows.first().map(|row| row.get(0))
    }
}

/// Whether a time zone is UTC by another name.
#[must_use]
pub(super) fn is_utc(zone: &str) -> bool {
    let zone = zone.trim_matches('\'').to_lowercase();
    matches!(
        zone.strip_prefix("etc/").unwrap_or(&zone),
        "utc" | "gmt" | "uct" | "zulu" | "universal" | "greenwich" | "0" | "gmt0"
    )
}
