//! The shape of a table as far as new rows must fit it, and an SQL expression for each column's value in row `g.n`.

use anyhow::Result;
use postgres::Client;

use super::error::Told;
use super::synthetic::not_judged;
use crate::sql::names::{TableName, literal, quote};

pub(super) struct Shape {
    pub(super) table: TableName,
    pub(super) columns: Vec<Column>,
    pub(super) foreign_keys: Vec<ForeignKey>,
    pub(super) checks: Vec<Check>,
    /// Columns of each unique index, the primary key first.
    uniques: Vec<Vec<String>>,
    pub(super) key: Vec<String>,
}

pub(super) struct Column {
    pub(super) name: String,
    /// With length, as SQL spells it.
    pub(super) data_type: String,
    /// The name of the type beneath domains: `int4`, `varchar`.
    base: String,
    length: Option<i32>,
    pub(super) not_null: bool,
    pub(super) generated: bool,
    pub(super) sequence: bool,
    pub(super) has_default: bool,
    labels: Vec<String>,
    array: bool,
    partition_key: bool,
    /// Texts of the CHECKs and domain that limit it.
    rules: String,
}

#[derive(Clone)]
pub(super) struct ForeignKey {
    pub(super) columns: Vec<String>,
    pub(super) parent: TableName,
    parent_columns: Vec<String>,
}

pub(super) struct Check {
    pub(super) name: String,
    pub(super) expression: String,
    /// Candidates can be filtered by it: it speaks of no generated column.
    pub(super) usable: bool,
}

/// Where a value comes from that no other row has.
pub(super) enum Fresh {
    Value,
    /// A parent that no row of this table points to yet.
    Parent(ForeignKey),
}

const COLUMNS: &str = "
with recursive base (oid, type, typmod) as (
  select a.attnum::int4, a.atttypid, a.atttypmod from pg_attribute a where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
  union all select b.oid, t.typbasetype, t.typtypmod from base b join pg_type t on t.oid = b.type where t.typtype = 'd'
)
select a.attname::text, format_type(a.atttypid, a.atttypmod), t.typname::text,
  case when t.typname in ('varchar', 'bpchar') and b.typmod > 4 then b.typmod - 4 when t.typname in ('bit', 'varbit') then nullif(b.typmod, -1) end,
  a.attnotnull, a.attgenerated <> '', pg_get_serial_sequence($2, a.attname) is not null, a.atthasdef,
  array(select e.enumlabel::text from pg_enum e where e.enumtypid = b.type order by e.enumsortorder), t.typcategory = 'A',
  coalesce((select a.attnum = any (p.partattrs::int2[]) from pg_partitioned_table p where p.partrelid = $1), false),
  coalesce((select string_agg(pg_get_constraintdef(c.oid), ' ') from pg_constraint c
    where (c.conrelid = $1 and c.contype = 'c' and a.attnum = any (c.conkey)) or c.contypid in (select x.type from base x where x.oid = a.attnum)), '')
from pg_attribute a join base b on b.oid = a.attnum join pg_type t on t.oid = b.type
where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped and t.typtype <> 'd' order by a.attnum";

const NAMES: &str = "array(select x.attname::text from unnest({numbers}::int2[]) with ordinality k(n, place)
  join pg_attribute x on x.attrelid = {relation} and x.attnum = k.n order by k.place)";

pub(super) fn shape(client: &mut Client, table: &TableName) -> Result<Shape> {
    let find = "select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p')";
    let row = client.query_opt(find, &[&table.schema, &table.name]).told("looking for the table")?;
    let oid: u32 = row.ok_or_else(|| not_judged(table, "there is no such table"))?.get(0);
    let names = |numbers: &str, relation: &str| NAMES.replace("{numbers}", numbers).replace("{relation}", relation);
    let rows = client.query(COLUMNS, &[&oid, &table.quoted()]).told("listing the columns")?;
    let columns = rows.iter().map(|row| Column {
        name: row.get(0),
        data_type: row.get(1),
        base: row.get(2),
        length: row.get(3),
        not_null: row.get(4),
        generated: row.get(5),
        sequence: row.get(6),
        has_default: row.get(7),
        labels: row.get(8),
        array: row.get(9),
        partition_key: row.get(10),
        rules: row.get(11),
    });
    let columns: Vec<Column> = columns.collect();
    let sql = format!(
        "select {}, n.nspname::text, p.relname::text, {} from pg_constraint c join pg_class p on p.oid = c.confrelid
         join pg_namespace n on n.oid = p.relnamespace where c.conrelid = $1 and c.contype = 'f' order by c.conname",
        names("c.conkey", "c.conrelid"),
        names("c.confkey", "c.confrelid")
    );
    let foreign_keys = client.query(&sql, &[&oid]).told("listing the foreign keys")?;
    let foreign_keys = foreign_keys.iter().map(|row| ForeignKey {
        columns: row.get(0),
        parent: TableName { schema: row.get(1), name: row.get(2) },
        parent_columns: row.get(3),
    });
    let sql = format!(
        "select c.conname::text, pg_get_expr(c.conbin, c.conrelid), {} from pg_constraint c where c.conrelid = $1 and c.contype = 'c' order by 1",
        names("c.conkey", "c.conrelid")
    );
    let generated = |name: &String| columns.iter().any(|column| column.generated && column.name == *name);
    let checks = client.query(&sql, &[&oid]).told("listing the checks")?;
    let checks = checks.iter().map(|row| Check {
        name: row.get(0),
        expression: row.get(1),
        usable: !row.get::<_, Vec<String>>(2).iter().any(generated),
    });
    let checks = checks.collect();
    // The columns of an expression index are those that it reads.
    let sql = format!(
        "select i.indisprimary, {}, {} from pg_index i where i.indrelid = $1 and i.indisunique order by i.indisprimary desc, i.indexrelid",
        names(
            "(select array_agg(k.n) from unnest(i.indkey::int2[]) with ordinality k(n, place) where k.place <= i.indnkeyatts)",
            "i.indrelid"
        ),
        names(
            "array(select distinct d.refobjsubid from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid and d.refobjid = i.indrelid and d.refobjsubid > 0)",
            "i.indrelid"
        ),
    );
    let (mut uniques, mut key) = (Vec::new(), Vec::new());
    for row in client.query(&sql, &[&oid]).told("listing the unique indexes")? {
        let (plain, read): (Vec<String>, Vec<String>) = (row.get(1), row.get(2));
        if row.get(0) {
            key.clone_from(&plain);
        }
        uniques.push(if plain.is_empty() { read } else { plain });
    }
    let foreign_keys = foreign_keys.collect();
    Ok(Shape { table: table.clone(), columns, foreign_keys, checks, uniques, key })
}

impl Shape {
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// One fresh column for each unique index: of its own values first, else by way of a parent.
    pub(super) fn fresh(&self) -> Result<Vec<(String, Fresh)>> {
        let mut fresh: Vec<(String, Fresh)> = Vec::new();
        for unique in &self.uniques {
            if unique.iter().any(|name| {
                fresh.iter().any(|(chosen, _)| chosen == name)
                    || self.column(name).is_some_and(|column| column.generated)
            }) {
                continue;
            }
            let referring =
                |name: &str| self.foreign_keys.iter().find(|key| key.columns.iter().any(|column| column == name));
            let own =
                unique.iter().filter_map(|name| self.column(name)).filter(|column| referring(&column.name).is_none());
            if let Some(column) =
                own.filter(|column| column.rank().is_some()).min_by_key(|column| (column.partition_key, column.rank()))
            {
                fresh.push((column.name.clone(), Fresh::Value));
                continue;
            }
            let by_parent =
                unique.iter().find_map(|name| Some((name, referring(name).filter(|key| key.columns.len() == 1)?)));
            match by_parent {
                Some((name, key)) if key.parent != self.table => fresh.push((name.clone(), Fresh::Parent(key.clone()))),
                _ => {
                    return Err(not_judged(
                        &self.table,
                        &format!("no fresh values for the unique columns {}", unique.join(", ")),
                    )
                    .into());
                }
            }
        }
        Ok(fresh)
    }
}

impl Column {
    /// How well the type lends itself to fresh values; `None`: not at all.
    fn rank(&self) -> Option<u8> {
        Some(match self.base.as_str() {
            "int8" | "int4" => 0,
            "uuid" => 1,
            "text" | "varchar" | "citext" | "name" => 2,
            "numeric" | "int2" | "float8" | "float4" => 3,
            "timestamptz" | "timestamp" | "date" => 4,
            "bytea" | "bpchar" | "inet" => 5,
            _ => return None,
        })
    }

    /// A value that no row has, made from that of a pattern row; NULL stays where it may.
    pub(super) fn fresh(&self, table: &TableName, pattern: &str, had: i64) -> String {
        let column = quote(&self.name);
        let greatest = |none: &str| format!("coalesce((select max({column}) from {}), {none})", table.quoted());
        let value = match self.base.as_str() {
            "int8" | "int4" | "int2" | "numeric" | "float8" | "float4" => format!("{} + g.n", greatest("0")),
            "uuid" => return "gen_random_uuid()".to_owned(),
            "timestamptz" | "timestamp" => format!("{} + g.n * interval '1 second'", greatest("'2024-01-01'")),
            "date" => format!("{} + g.n::int", greatest("'2024-01-01'")),
            "bytea" => format!("int8send({had} + g.n) || coalesce({pattern}, '')"),
            "inet" => format!("'10.0.0.0'::inet + {had} + g.n"),
            _ => {
                // In front, because what follows (`@example.org`) is what CHECKs look at.
                let text = format!("'g' || to_hex({had} + g.n) || '-' || coalesce(({pattern})::text, '')");
                self.length.map_or(text.clone(), |length| format!("left({text}, {length})"))
            }
        };
        if self.not_null { value } else { format!("case when ({pattern}) is null then null else {value} end") }
    }

    /// Whether [`Column::varied`] has values for the type.
    pub(super) fn known(&self) -> bool {
        self.varied() != "null"
    }

    /// A value by type, varied over rows; `null` for types that are not known here.
    pub(super) fn varied(&self) -> String {
        let listed = self.listed();
        if !listed.is_empty() {
            let labels: Vec<String> = listed.iter().map(|label| literal(label)).collect();
            return format!("(array[{}])[1 + g.n % {}]", labels.join(", "), labels.len());
        }
        if self.array {
            return "'{}'".to_owned();
        }
        // Small numbers often enough for ratings, larger ones for prices and years.
        let number = "(case g.n % 3 when 0 then g.n % 10 when 1 then g.n % 100 else g.n % 10000 end)";
        match self.base.as_str() {
            "int8" | "int4" | "int2" | "float8" | "float4" => number.to_owned(),
            "numeric" => format!("({number} % 10)::numeric / 10"),
            "uuid" => "gen_random_uuid()".to_owned(),
            "bool" => "g.n % 2 = 0".to_owned(),
            "timestamptz" | "timestamp" => "timestamp '2024-01-01' + g.n * interval '1 minute'".to_owned(),
            "date" => "date '2024-01-01' + (g.n % 700)::int".to_owned(),
            "time" | "timetz" => "time '00:00' + (g.n % 1440) * interval '1 minute'".to_owned(),
            "interval" => "(g.n % 1000) * interval '1 minute'".to_owned(),
            "json" | "jsonb" => "jsonb_build_object('n', g.n)".to_owned(),
            "bytea" => "int8send(g.n)".to_owned(),
            "inet" | "cidr" => "host('10.0.0.0'::inet + g.n)".to_owned(),
            "xml" => "'<a/>'".to_owned(),
            "point" => "point(g.n % 90, g.n % 90)".to_owned(),
            "tsvector" => "''".to_owned(),
            "bit" => format!("lpad('', {}, '0')", self.length.unwrap_or(1)),
            "text" | "varchar" | "bpchar" | "citext" | "name" => {
                let mail = self.name.to_lowercase().contains("mail") || self.rules.contains('@');
                let text = if mail {
                    "'u' || g.n || '@example.org'"
                } else if self.rules.contains("http") {
                    "'https://example.org/' || g.n"
                } else {
                    "'text-' || g.n"
                };
                self.length.map_or(text.to_owned(), |length| format!("left({text}, {length})"))
            }
            "int4range" | "int8range" | "numrange" | "tsrange" | "tstzrange" | "daterange" => "'empty'".to_owned(),
            _ => "null".to_owned(),
        }
    }

    /// Enum labels, or the texts of a CHECK such as `= ANY (ARRAY['a'::text, 'b'::text])`.
    fn listed(&self) -> Vec<String> {
        if !self.labels.is_empty() {
            return self.labels.clone();
        }
        let Some((_, list)) = self.rules.split_once("= ANY (").and_then(|(_, rest)| rest.split_once("ARRAY[")) else {
            return Vec::new();
        };
        let list = list.split(']').next().unwrap_or_default();
        let texts = list.split(", ").filter_map(|item| {
            Some(item.strip_prefix('\'').or(item.strip_prefix("('"))?.split_once("'::")?.0.replace("''", "'"))
        });
        texts.collect()
    }
}

impl ForeignKey {
    /// A subquery, with its column named `value`, of the parents to which no row of `child` points.
    pub(super) fn unused(&self, child: &TableName, column: &str) -> String {
        let (parent, key, column) = (self.parent.quoted(), quote(&self.parent_columns[0]), quote(column));
        let taken = format!("select 1 from {} c where c.{column} = p.{key}", child.quoted());
        format!("(select p.{key} as value from {parent} p where p.{key} is not null and not exists ({taken}))")
    }

    /// The key of one of up to 1000 parents; those of several columns all take the first parent, so that they fit together.
    pub(super) fn picked(&self, column: &str) -> String {
        let place = self.columns.iter().position(|name| name == column).unwrap_or_default();
        let (parent, key) = (self.parent.quoted(), quote(&self.parent_columns[place]));
        if self.columns.len() > 1 {
            return format!("(select {key} from {parent} order by ctid limit 1)");
        }
        let keys =
            format!("select array_agg(k) from (select {key} as k from {parent} where {key} is not null limit 1000) p");
        format!(
            "(({keys}))[1 + g.n % greatest(1, (select count(*) from (select 1 from {parent} where {key} is not null limit 1000) p))]"
        )
    }
}
