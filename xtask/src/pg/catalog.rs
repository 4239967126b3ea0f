//! What a table is now, and what hangs on it: the live facts behind an impact analysis. Reads only, and keeps no row.

use anyhow::Result;
use postgres::GenericClient;
use serde::{Deserialize, Serialize};

use super::error::Told;
use crate::sql::names::{TableName, quote};

/// Up to here rows are counted; beyond, the planner's estimate stands.
const COUNTED_UP_TO: f64 = 5_000_000.0;

/// One table with its surroundings; texts are PostgreSQL's own definitions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableFacts {
    pub table: TableName,
    pub rows: i64,
    /// Counted now; else estimated from the last ANALYZE.
    pub rows_exact: bool,
    /// Table, TOAST and indexes.
    pub bytes: i64,
    pub index_bytes: i64,
    pub columns: Vec<ColumnFacts>,
    /// `name: definition`.
    pub foreign_keys_out: Vec<String>,
    /// `schema.table.name: definition`.
    pub foreign_keys_in: Vec<String>,
    pub indexes: Vec<String>,
    /// All but foreign keys.
    pub constraints: Vec<String>,
    /// Views, materialized views and rules, with those that stand on them.
    pub views: Vec<String>,
    pub triggers: Vec<String>,
    /// Routines that depend on the table, or name it in their text: the latter say "by name".
    pub functions: Vec<String>,
    pub policies: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnFacts {
    pub name: String,
    pub data_type: String,
    pub not_null: bool,
    pub default: Option<String>,
    /// Number of NULLs; `None` where rows were not counted.
    pub nulls: Option<i64>,
}

/// A partitioned table's size is that of its partitions.
const TABLE: &str = "
select c.oid, coalesce(p.tuples, c.reltuples::float8), coalesce(p.bytes, pg_catalog.pg_total_relation_size(c.oid)),
  coalesce(p.index_bytes, pg_catalog.pg_indexes_size(c.oid))
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace,
  lateral (select sum(greatest(l.reltuples, 0))::float8 as tuples, sum(pg_catalog.pg_total_relation_size(l.oid))::bigint as bytes,
      sum(pg_catalog.pg_indexes_size(l.oid))::bigint as index_bytes
    from pg_catalog.pg_partition_tree(c.oid) t join pg_catalog.pg_class l on l.oid = t.relid where t.isleaf) p
where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')";

const COLUMNS: &str = "
select a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
  case when a.attidentity <> '' then 'identity' else pg_catalog.pg_get_expr(d.adbin, d.adrelid) end
from pg_catalog.pg_attribute a left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum";

const OUT: &str = "select format('%I: %s', conname, pg_get_constraintdef(oid)) from pg_constraint where conrelid = $1 and contype = 'f' order by 1";
const IN: &str = "select format('%s.%I: %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint where confrelid = $1 and contype = 'f' order by 1";
const CONSTRAINTS: &str = "select format('%I: %s', conname, pg_get_constraintdef(oid)) from pg_constraint where conrelid = $1 and contype not in ('f', 'n') order by 1";
const INDEXES: &str = "select pg_get_indexdef(indexrelid) || case when indisvalid then '' else ' (invalid)' end from pg_index where indrelid = $1 order by 1";
const TRIGGERS: &str = "select pg_get_triggerdef(oid) || case when tgenabled = 'D' then ' (disabled)' else '' end from pg_trigger where tgrelid = $1 and not tgisinternal order by 1";
const POLICIES: &str = "select format('%I: using %s', polname, coalesce(pg_get_expr(polqual, polrelid), 'true')) from pg_policy where polrelid = $1 order by 1";

/// `$2` 0: the whole table; else a column's number. A view that stands on such a view depends on the table as well.
const VIEWS: &str = "
with recursive v (oid, name, path) as (
  select distinct c.oid, c.oid::regclass::text, '' from pg_depend d join pg_rewrite w on w.oid = d.objid join pg_class c on c.oid = w.ev_class
  where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = $1 and c.oid <> $1 and ($2::int4 = 0 or d.refobjsubid = $2)
  union
  select c.oid, c.oid::regclass::text, ' (through ' || v.name || ')' from v join pg_depend d on d.refobjid = v.oid and d.refclassid = 'pg_class'::regclass
    and d.classid = 'pg_rewrite'::regclass join pg_rewrite w on w.oid = d.objid join pg_class c on c.oid = w.ev_class where c.oid <> v.oid
)
select case c.relkind when 'm' then 'materialized view ' when 'v' then 'view ' else 'rule on ' end || v.name || min(v.path)
from v join pg_class c on c.oid = v.oid group by c.relkind, v.name
union select 'rule ' || rulename || ' on the table itself' from pg_rewrite where ev_class = $1 and rulename <> '_RETURN' and $2 = 0
order by 1";

const FUNCTIONS: &str = r"
select case p.prokind when 'p' then 'procedure ' else 'function ' end || p.oid::regprocedure ||
  case when d.objid is null then ' (by name)' else '' end
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
left join (select distinct objid from pg_depend where classid = 'pg_proc'::regclass and refclassid = 'pg_class'::regclass and refobjid = $1) d on d.objid = p.oid
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and p.prokind <> 'a'
  and not exists (select 1 from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
  and (d.objid is not null or (select bool_and(p.prosrc ~* ('(^|[^a-zA-Z0-9_])' || regexp_replace(word, '([^a-zA-Z0-9_])', '\\\1', 'g') || '([^a-zA-Z0-9_]|$)')) from unnest($2::text[]) word))
order by 1";

const DEPENDANTS: &str = "
select distinct i.type || ' ' || i.identity from pg_depend d, pg_identify_object(d.classid, d.objid, d.objsubid) i
where d.refclassid = 'pg_class'::regclass and d.refobjid = $1 and d.refobjsubid = $2
  and d.classid <> 'pg_rewrite'::regclass and not (d.classid = 'pg_class'::regclass and d.objid = $1 and d.objsubid = 0)
order by 1";

/// Everything about one table; `None`: there is none of that name.
pub fn table(client: &mut impl GenericClient, table: &TableName) -> Result<Option<TableFacts>> {
    let mut transaction = client.transaction().told("opening a transaction to read the catalog")?;
    transaction
        .batch_execute("set local search_path = ''; set local jit = off")
        .told("settings to read the catalog")?;
    let Some(row) = transaction.query_opt(TABLE, &[&table.schema, &table.name]).told("looking for the table")? else {
        return Ok(None);
    };
    let (oid, estimate): (u32, f64) = (row.get(0), row.get(1));
    let mut columns: Vec<ColumnFacts> = transaction
        .query(COLUMNS, &[&oid])
        .told("listing the columns")?
        .iter()
        .map(|row| ColumnFacts {
            name: row.get(0),
            data_type: row.get(1),
            not_null: row.get(2),
            default: row.get(3),
            nulls: None,
        })
        .collect();
    let rows_exact = estimate <= COUNTED_UP_TO;
    #[expect(clippy::cast_possible_truncation, reason = "an estimate of rows is far below 2^53")]
    let rows = if rows_exact { count(&mut transaction, table, &mut columns)? } else { estimate as i64 };
    let mut list = |sql: &str| texts(&mut transaction, sql, &[&oid]);
    let (foreign_keys_out, foreign_keys_in, indexes) = (list(OUT)?, list(IN)?, list(INDEXES)?);
    let (constraints, triggers, policies) = (list(CONSTRAINTS)?, list(TRIGGERS)?, list(POLICIES)?);
    let views = texts(&mut transaction, VIEWS, &[&oid, &0_i32])?;
    let functions = texts(&mut transaction, FUNCTIONS, &[&oid, &vec![table.name.clone()]])?;
    transaction.rollback().told("ending the reading of the catalog")?;
    let (table, bytes, index_bytes) = (table.clone(), row.get(2), row.get(3));
    Ok(Some(TableFacts {
        table,
        rows,
        rows_exact,
        bytes,
        index_bytes,
        columns,
        foreign_keys_out,
        foreign_keys_in,
        indexes,
        constraints,
        views,
        triggers,
        functions,
        policies,
    }))
}

/// What breaks or goes when a column is dropped, and what a rename reaches; routines that only name it are said to be "by name".
pub fn dependants_of_column(client: &mut impl GenericClient, table: &TableName, column: &str) -> Result<Vec<String>> {
    let mut transaction = client.transaction().told("opening a transaction to read the catalog")?;
    transaction
        .batch_execute("set local search_path = ''; set local jit = off")
        .told("settings to read the catalog")?;
    let sql = "select a.attrelid, a.attnum::int4 from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = $2 and a.attname = $3 and not a.attisdropped";
    let row = transaction.query_opt(sql, &[&table.schema, &table.name, &column]).told("looking for the column")?;
    let row = row
        .ok_or_else(|| crate::failure::Failure::step(format!("there is no column {table}.{column} in the database")))?;
    let (oid, number): (u32, i32) = (row.get(0), row.get(1));
    let mut found = texts(&mut transaction, DEPENDANTS, &[&oid, &number])?;
    found.extend(texts(&mut transaction, VIEWS, &[&oid, &number])?);
    let functions = texts(&mut transaction, FUNCTIONS, &[&0_u32, &vec![table.name.clone(), column.to_owned()]])?;
    found.extend(functions);
    Ok(found)
}

fn count(client: &mut impl GenericClient, table: &TableName, columns: &mut [ColumnFacts]) -> Result<i64> {
    let nulls: Vec<String> =
        columns.iter().map(|column| format!("count(*) - count({})", quote(&column.name))).collect();
    let list: Vec<String> = std::iter::once("count(*)".to_owned()).chain(nulls).collect();
    let row = client.query_one(&format!("select {} from {}", list.join(", "), table.quoted()), &[]);
    let row = row.told(&format!("counting the rows of {table}"))?;
    for (place, column) in columns.iter_mut().enumerate() {
        column.nulls = Some(row.get(place + 1));
    }
    Ok(row.get(0))
}

fn texts(
    client: &mut impl GenericClient,
    sql: &str,
    params: &[&(dyn postgres::types::ToSql + Sync)],
) -> Result<Vec<String>> {
    Ok(client.query(sql, params).told("reading the catalog")?.iter().map(|row| row.get(0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::testing::{RICH, Scratch};

    #[test]
    fn a_table_is_told_with_all_that_hangs_on_it() {
        let (_scratch, mut client) = Scratch::with(RICH);
        client.batch_execute("create function by_name() returns bigint language plpgsql as 'begin return (select count(*) from users); end';
            create view happier as select * from happy").unwrap();
        let facts = table(&mut client, &TableName::new("public", "users")).unwrap().unwrap();
        assert_eq!((facts.rows, facts.rows_exact), (500, true));
        let nulls = facts.columns.iter().find(|column| column.name == "name").unwrap();
        assert_eq!((nulls.nulls, nulls.default.as_deref()), (Some(72), Some("'nobody'::text")));
        assert_eq!(
            facts.views,
            ["materialized view public.per_mood", "view public.happier (through public.happy)", "view public.happy"]
        );
        assert_eq!(facts.functions, ["function public.by_name() (by name)"]);
        assert!(
            facts.foreign_keys_in[0]
                .starts_with("\"Odd \"\"Schema\"\"\".\"Weird 'T'\".\"Weird 'T'_select_fkey\": FOREIGN KEY")
        );
        assert_eq!((facts.indexes.len(), facts.triggers.len(), facts.policies.len()), (4, 1, 1));
        assert!(table(&mut client, &TableName::new("public", "Users")).unwrap().is_none());
        let odd = table(&mut client, &TableName::new("Odd \"Schema\"", "Weird 'T'")).unwrap().unwrap();
        assert_eq!((odd.rows, odd.foreign_keys_out.len()), (50, 1));
        let parted = table(&mut client, &TableName::new("public", "parted")).unwrap().unwrap();
        assert!(parted.rows == 100 && parted.bytes > 0);
    }

    #[test]
    fn dependants_of_a_column_are_found_by_dependency_and_by_name() {
        let (_scratch, mut client) = Scratch::with(RICH);
        client.batch_execute("create function by_name() returns text language plpgsql as 'begin return (select name from users limit 1); end'").unwrap();
        let users = TableName::new("public", "users");
        let found = dependants_of_column(&mut client, &users, "name").unwrap();
        assert_eq!(
            found,
            [
                "default value for public.users.name",
                "index public.users_name_lower",
                "index public.users_trgm",
                "statistics object public.users_stats",
                "function public.by_name() (by name)",
            ]
        );
        let found = dependants_of_column(&mut client, &users, "id").unwrap();
        assert!(
            found.iter().any(|line| line.contains("table constraint \"Weird 'T'_select_fkey\" on \"Odd")),
            "{found:?}"
        );
        assert!(
            found.contains(&"view public.happy".to_owned()) && found.contains(&"policy own on public.users".to_owned())
        );
        assert!(dependants_of_column(&mut client, &users, "missing").is_err());
    }
}
