//! What stands on an object that goes: the rows of `pg_depend` that lead to it or to its parts.

use super::facts::Facts;
use crate::sql::TableName;

/// What a database says of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// There is no such object.
    Absent,
    /// So many others need it.
    On(i64),
}

impl Facts<'_> {
    /// How many objects need this one; `None` where nobody can be asked.
    pub fn dependants(&mut self, kind: &str, name: &TableName) -> Option<Stands> {
        let (class, catalog, column, schema) = match kind {
            "view" | "materialized view" | "sequence" | "foreign table" | "table" => {
                ("pg_class", "pg_class", "relname", Some("relnamespace"))
            }
            "function" | "procedure" | "aggregate" | "routine" => {
                ("pg_proc", "pg_proc", "proname", Some("pronamespace"))
            }
            "type" | "domain" => ("pg_type", "pg_type", "typname", Some("typnamespace")),
            "extension" => ("pg_extension", "pg_extension", "extname", None),
            "schema" => ("pg_namespace", "pg_namespace", "nspname", None),
            _ => return None,
        };
        let namespace = schema.map_or("true".to_owned(), |schema| {
            format!("x.{schema} = (select oid from pg_catalog.pg_namespace where nspname = $2)")
        });
        // What belongs to the object goes with it and needs it not.
        let sql = format!(
            "
with recursive own (classid, objid) as (
  select 'pg_catalog.{class}'::regclass::oid, x.oid from pg_catalog.{catalog} x where x.{column} = $1 and {namespace} and $2 <> ''
  union select d.classid, d.objid from pg_catalog.pg_depend d join own on d.refclassid = own.classid and d.refobjid = own.objid
  where d.deptype in ('i', 'e', 'a') and d.objsubid = 0)
select (select count(*) from own), count(distinct (d.classid, d.objid, d.objsubid)) from pg_catalog.pg_depend d
  join own on d.refclassid = own.classid and d.refobjid = own.objid
where d.deptype = 'n' and not exists (select from own o where o.classid = d.classid and o.objid = d.objid)"
        );
        let rows = self.live.as_mut()?.rows(&sql, &[&name.name, &name.schema])?;
        let (found, others): (i64, i64) = (rows.first()?.get(0), rows.first()?.get(1));
        Some(if found == 0 { Stands::Absent } else { Stands::On(others) })
    }

    /// The rows of all tables of a schema, by the statistics.
    pub fn rows_in_schema(&mut self, schema: &str) -> Option<i64> {
        let sql = "
select coalesce(sum(greatest(c.reltuples, 0)), 0)::int8 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind = 'r'";
        self.live.as_mut()?.rows(sql, &[&schema])?.first().map(|row| row.get(0))
    }
}
