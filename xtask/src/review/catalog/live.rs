//! Tables, types and indexes as a live database describes them.

use std::collections::BTreeMap;

use super::{Column, Constraint, Enum, Index, Kind, Source, Table};
use crate::review::by_column::ByColumn;
use crate::review::live::Live;
use crate::sql::TableName;
use crate::sql::action::Generated;

const TABLE: &str = "
select c.oid, c.relkind = 'p', (select format('%s.%s', pn.nspname, p.relname) from pg_catalog.pg_inherits i
    join pg_catalog.pg_class p on p.oid = i.inhparent join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
    where i.inhrelid = c.oid and c.relispartition limit 1),
  pg_catalog.pg_get_partkeydef(c.oid), (select format('%s.%s', dn.nspname, d.relname) from pg_catalog.pg_partitioned_table p
    join pg_catalog.pg_class d on d.oid = p.partdefid join pg_catalog.pg_namespace dn on dn.oid = d.relnamespace where p.partrelid = c.oid)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'f')";

const COLUMNS: &str = "
select a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_catalog.pg_get_expr(d.adbin, d.adrelid),
  a.attidentity <> '', a.attgenerated::text
from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped";

const CONSTRAINTS: &str = "
select k.conname, k.contype::text, k.convalidated,
  array(select a.attname::text from unnest(k.conkey) with ordinality u(n, o) join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n order by u.o),
  case when k.contype = 'c' then pg_catalog.pg_get_expr(k.conbin, k.conrelid) end,
  fn.nspname, f.relname,
  array(select a.attname::text from unnest(k.confkey) with ordinality u(n, o) join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n order by u.o)
from pg_catalog.pg_constraint k left join pg_catalog.pg_class f on f.oid = k.confrelid left join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
where k.conrelid = $1";

const INDEXES: &str = "
select i.relname, x.indisunique, x.indisvalid and x.indisready, pg_catalog.pg_get_expr(x.indpred, x.indrelid), x.indexprs is not null,
  array(select a.attname::text from generate_series(0, x.indnkeyatts - 1) k join pg_catalog.pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[k] order by k)
from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid
where x.indrelid = $1";

impl Source for Live<'_> {
    fn table(&mut self, name: &TableName) -> Option<Table> {
        let found = self.rows(TABLE, &[&name.schema, &name.name])?;
        let row = found.first()?;
        let (oid, partitioned, parent): (u32, bool, Option<String>) = (row.get(0), row.get(1), row.get(2));
        let mut columns = BTreeMap::new();
        for row in self.rows(COLUMNS, &[&oid])? {
            let stored: String = row.get(5);
            let generated = match (row.get(4), stored.as_str()) {
                (true, _) => Some(Generated::Identity),
                (_, "s") => Some(Generated::Stored),
                (_, "v") => Some(Generated::Virtual),
                _ => None,
            };
            let column = Column {
                in_database: Some(row.get(0)),
                data_type: row.get(1),
                not_null: row.get(2),
                default: row.get::<_, Option<String>>(3).filter(|_| generated.is_none()),
                generated,
                ..Column::default()
            };
            columns.insert(row.get(0), Box::new(column));
        }
        let mut constraints = ByColumn::default();
        for row in self.rows(CONSTRAINTS, &[&oid])? {
            let kind: String = row.get(1);
            let kind = match kind.as_str() {
                "p" => Kind::PrimaryKey,
                "u" => Kind::Unique,
                "f" => Kind::ForeignKey,
                "c" => Kind::Check,
                "n" => Kind::NotNull,
                "x" => Kind::Exclude,
                _ => continue,
            };
            let parent: Option<(String, String)> = row.get::<_, Option<String>>(5).zip(row.get::<_, Option<String>>(6));
            let constraint = Constraint {
                kind,
                columns: row.get(3),
                expression: row.get(4),
                valid: row.get(2),
                references: parent.map(|(schema, name)| (TableName::new(&schema, &name), row.get(7))),
                added: None,
            };
            constraints.insert(row.get(0), constraint);
        }
        let mut indexes = ByColumn::default();
        for row in self.rows(INDEXES, &[&oid])? {
            let index = Index {
                columns: row.get(5),
                expressions: row.get(4),
                unique: row.get(1),
                valid: row.get(2),
                filter: row.get(3),
                added: false,
            };
            indexes.insert(row.get(0), index);
        }
        Some(Table {
            in_database: Some(name.clone()),
            known: true,
            columns,
            constraints,
            indexes,
            partitioned,
            partition_key: row.get(3),
            default_partition: row.get::<_, Option<String>>(4).map(TableName::from),
            partition_of: parent.map(TableName::from),
            ..Table::default()
        })
    }

    fn enumeration(&mut self, name: &TableName) -> Option<Enum> {
        let sql = "
select e.enumlabel::text from pg_catalog.pg_enum e join pg_catalog.pg_type t on t.oid = e.enumtypid join pg_catalog.pg_namespace n on n.oid = t.typnamespace
where n.nspname = $1 and t.typname = $2 order by e.enumsortorder";
        let rows = self.rows(sql, &[&name.schema, &name.name])?;
        if rows.is_empty() {
            return None;
        }
        Some(Enum { values: rows.iter().map(|row| row.get(0)).collect(), ..Enum::default() })
    }

    fn table_of_index(&mut self, index: &TableName) -> Option<TableName> {
        let sql = "
select tn.nspname, t.relname from pg_catalog.pg_index x join pg_catalog.pg_class i on i.oid = x.indexrelid
  join pg_catalog.pg_namespace n on n.oid = i.relnamespace join pg_catalog.pg_class t on t.oid = x.indrelid
  join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
where n.nspname = $1 and i.relname = $2";
        let rows = self.rows(sql, &[&index.schema, &index.name])?;
        rows.first().map(|row| TableName::new(row.get(0), row.get(1)))
    }

    fn columns_of_type(&mut self, name: &TableName) -> Vec<(TableName, String)> {
        let sql = "
select cn.nspname, c.relname, a.attname from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = t.typnamespace
  join pg_catalog.pg_attribute a on a.atttypid in (t.oid, t.typarray) and a.attnum > 0 and not a.attisdropped
  join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'p') join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
where n.nspname = $1 and t.typname = $2";
        let rows = self.rows(sql, &[&name.schema, &name.name]).unwrap_or_default();
        rows.iter().map(|row| (TableName::new(row.get(0), row.get(1)), row.get(2))).collect()
    }

    fn volatile(&mut self, schema: Option<&str>, name: &str) -> Option<bool> {
        let sql = "
select bool_or(p.provolatile = 'v'), bool_and(p.provolatile = 'v') from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
where p.proname = $2 and ($1::text is null or n.nspname = $1)";
        let rows = self.rows(sql, &[&schema, &name])?;
        let row = rows.first()?;
        let (any, all): (Option<bool>, Option<bool>) = (row.get(0), row.get(1));
        any.filter(|_| any == all)
    }

    fn restricted(&mut self, data_type: &str) -> Option<bool> {
        let sql = "
select t.typtype = 'd' and (t.typnotnull or exists (select from pg_catalog.pg_constraint k where k.contypid = t.oid))
from pg_catalog.pg_type t where t.oid = pg_catalog.to_regtype($1)";
        self.rows(sql, &[&data_type])?.first().map(|row| row.get(0))
    }

    fn referrers(&mut self, table: &TableName, cascading: bool) -> Option<Vec<TableName>> {
        let sql = "
with recursive r (oid) as (
  select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2
  union select k.conrelid from pg_catalog.pg_constraint k join r on k.confrelid = r.oid where k.contype = 'f' and (k.confdeltype = 'c' or not $3))
select n.nspname, c.relname from r join pg_catalog.pg_class c on c.oid = r.oid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where not (n.nspname = $1 and c.relname = $2) order by 1, 2";
        let rows = self.rows(sql, &[&table.schema, &table.name, &cascading])?;
        Some(rows.iter().map(|row| TableName::new(row.get(0), row.get(1))).collect())
    }
}
