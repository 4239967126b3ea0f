//! The rows as a statement leaves them, asked of the constraints that each must pass: before the statement has run.
//!
//! Invariant: only a certain answer. Where the reviewed files change a column, the table's rows or the constraint before, where the
//! value differs from one try to the next, or where other tables take part, there is none.

use super::catalog::{Constraint, Kind, Table};
use super::facts::Verdict;
use super::finding::DecidedBy;
use super::hazard::Site;
use super::{condition, types};
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::{quote, quoted_list};
use crate::sql::parts;

/// Functions that give another value the next time.
const FICKLE: [&str; 6] = ["random", "uuid", "nextval", "clock_timestamp", "select", "txid"];

/// What refuses which rows.
pub(super) struct Refused {
    /// `check orders_total_check (23514)`
    pub by: String,
    pub verdict: Verdict,
}

/// New rows beside those that stay.
struct Rows<'w> {
    table: &'w TableName,
    known: &'w Table,
    /// What the table is called in the statement.
    alias: String,
    filter: Option<&'w str>,
    set: &'w [(String, String)],
}

impl Rows<'_> {
    /// The columns, with their new values.
    fn select(&self, columns: &[String]) -> String {
        let values: Vec<String> = columns.iter().map(|column| self.value(column)).collect();
        let filter = self.filter.map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
        format!("SELECT {} FROM {} AS {}{filter}", values.join(", "), self.table.quoted(), quote(&self.alias))
    }

    fn value(&self, column: &str) -> String {
        let found = self.known.columns.get(column);
        let name = quote(column);
        let Some((_, value)) = self.set.iter().find(|(of, _)| of == column) else { return name };
        let of = found.map_or("text", |found| found.data_type.as_str());
        if !value.trim().eq_ignore_ascii_case("default") {
            return format!("({value})::{of} AS {name}");
        }
        let default = found.and_then(|found| found.default.clone()).unwrap_or_else(|| "NULL".to_owned());
        format!("({default})::{of} AS {name}")
    }

    /// Those that the statement leaves alone.
    fn others(&self, columns: &[String]) -> Option<String> {
        let filter = self.filter?;
        let (table, alias) = (self.table.quoted(), quote(&self.alias));
        Some(format!("SELECT {} FROM {table} AS {alias} WHERE ({filter}) IS NOT TRUE", quoted_list(columns)))
    }
}

/// The first constraint that refuses a row of an UPDATE.
pub(super) fn by_update(site: &mut Site<'_, '_>) -> Option<Refused> {
    let Action::Update { table, columns: set, filter } = site.action else { return None };
    site.facts.asked()?;
    let target = parts::target(&site.statement.text).filter(|target| !target.joined)?;
    let fickle = |value: &str| FICKLE.iter().any(|word| value.to_lowercase().contains(word));
    if set.iter().any(|(_, value)| value.is_empty() || fickle(value)) || filter.as_deref().is_some_and(fickle) {
        return None;
    }
    let known = site.facts.table(table).filter(|known| known.known)?;
    let alias = target.alias.unwrap_or_else(|| table.name.clone());
    let rows = Rows { table, known: &known, alias, filter: filter.as_deref(), set };
    nulls(site, &rows).or_else(|| {
        let mut constraints: Vec<(&String, &Constraint)> = known.constraints.iter().collect();
        constraints.sort_by_key(|(name, _)| *name);
        constraints.into_iter().find_map(|(name, constraint)| of_constraint(site, &rows, name, constraint))
    })
}

/// Asks, where all columns that matter are as the database has them.
fn asked(site: &mut Site<'_, '_>, rows: &Rows<'_>, more: &[String], sql: &str, by: String) -> Option<Refused> {
    let mut used = more.to_vec();
    used.extend(rows.set.iter().map(|(column, _)| column.clone()));
    let texts = rows.set.iter().map(|(_, value)| value.as_str()).chain(rows.filter);
    used.extend(texts.flat_map(|text| condition::columns(text, rows.known)));
    let (name, names) = site.facts.untouched(rows.table, &used).ok()?;
    if name != *rows.table || names != used {
        return None;
    }
    let verdict = site.facts.counted(&name, sql, "rows that it refuses");
    matches!(verdict, Verdict::Harmful(..)).then_some(Refused { by, verdict })
}

fn nulls(site: &mut Site<'_, '_>, rows: &Rows<'_>) -> Option<Refused> {
    rows.set.iter().find_map(|(column, _)| {
        rows.known.columns.get(column).filter(|found| found.not_null)?;
        let one = [column.clone()];
        let sql = format!("SELECT count(*) FROM ({}) AS written WHERE {} IS NULL", rows.select(&one), quote(column));
        asked(site, rows, &one, &sql, format!("NOT NULL of {column} (23502)"))
    })
}

fn of_constraint(site: &mut Site<'_, '_>, rows: &Rows<'_>, name: &str, constraint: &Constraint) -> Option<Refused> {
    let columns = &constraint.columns;
    let touched = columns.iter().any(|column| rows.set.iter().any(|(set, _)| set == column));
    let list = quoted_list(columns);
    match constraint.kind {
        // One that is not valid holds for each row that is written, whatever is set.
        Kind::Check if touched || !constraint.valid => {
            let test = constraint.expression.as_deref()?;
            let alias = quote(&rows.table.name);
            let sql = format!("SELECT count(*) FROM ({}) AS {alias} WHERE NOT ({test})", rows.select(columns));
            asked(site, rows, columns, &sql, format!("check {name} (23514)"))
        }
        Kind::Unique | Kind::PrimaryKey if touched => {
            let others = rows.others(columns).map(|sql| format!(" UNION ALL {sql}")).unwrap_or_default();
            let filled: Vec<String> = columns.iter().map(|column| format!("{} IS NOT NULL", quote(column))).collect();
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM ({}{others}) AS written WHERE {} GROUP BY {list} HAVING count(*) > 1) AS twice",
                rows.select(columns),
                filled.join(" AND ")
            );
            asked(site, rows, columns, &sql, format!("key {name} (23505)"))
        }
        Kind::ForeignKey if touched => {
            let (parent, to) = constraint.references.as_ref()?;
            let parent_known = site.facts.table(parent)?;
            if parent_known.written.is_some()
                || parent_known.in_database.as_ref() != Some(parent)
                || parent == rows.table
            {
                return self_reference(site, rows, name, constraint);
            }
            let sql = orphans(rows, columns, parent, to);
            asked(site, rows, columns, &sql, format!("foreign key {name} (23503)"))
        }
        _ => None,
    }
}

fn orphans(rows: &Rows<'_>, columns: &[String], parent: &TableName, to: &[String]) -> String {
    let pairs = columns.iter().zip(to).map(|(column, to)| format!("p.{} = w.{}", quote(to), quote(column)));
    let filled = columns.iter().map(|column| format!("w.{} IS NOT NULL", quote(column)));
    format!(
        "SELECT count(*) FROM ({}) AS w WHERE {} AND NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})",
        rows.select(columns),
        filled.collect::<Vec<_>>().join(" AND "),
        parent.quoted(),
        pairs.collect::<Vec<_>>().join(" AND ")
    )
}

/// A key into the same table: the parents are there unless the statement moves them.
fn self_reference(site: &mut Site<'_, '_>, rows: &Rows<'_>, name: &str, constraint: &Constraint) -> Option<Refused> {
    let (parent, to) = constraint.references.as_ref()?;
    let moved = rows.set.iter().any(|(column, _)| to.contains(column));
    if parent != rows.table || moved {
        return None;
    }
    let sql = orphans(rows, &constraint.columns, parent, to);
    asked(site, rows, &constraint.columns, &sql, format!("foreign key {name} (23503)"))
}

const KEYS: &str = "
select n.nspname, c.relname, k.conname,
  array(select a.attname::text from unnest(k.conkey) with ordinality u(n, o) join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.n order by u.o),
  array(select a.attname::text from unnest(k.confkey) with ordinality u(n, o) join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.n order by u.o)
from pg_catalog.pg_constraint k join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_class p on p.oid = k.confrelid join pg_catalog.pg_namespace pn on pn.oid = p.relnamespace
where k.contype = 'f' and k.confdeltype in ('a', 'r') and k.conparentid = 0 and k.conrelid <> k.confrelid and pn.nspname = $1 and p.relname = $2
order by 1, 2, 3";

/// The first foreign key that keeps a row of a DELETE.
pub(super) fn by_delete(site: &mut Site<'_, '_>) -> Option<Refused> {
    let Action::Delete { table, filter } = site.action else { return None };
    let target = parts::target(&site.statement.text).filter(|target| !target.joined)?;
    let known = site.facts.table(table)?;
    let used = filter.as_deref().map(|filter| condition::columns(filter, &known)).unwrap_or_default();
    let (name, names) = site.facts.untouched(table, &used).ok()?;
    if names != used {
        return None;
    }
    let alias = quote(&target.alias.unwrap_or_else(|| table.name.clone()));
    let keys = site.facts.live.as_mut()?.rows(KEYS, &[&name.schema, &name.name])?;
    keys.iter().find_map(|row| {
        let (child, key) = (TableName::new(row.get(0), row.get(1)), row.get::<_, String>(2));
        let (columns, to): (Vec<String>, Vec<String>) = (row.get(3), row.get(4));
        let there = |known: &Table| known.constraints.contains_key(&key) && known.in_database.as_ref() == Some(&child);
        if !site.facts.look(&child, there).unwrap_or(false) || site.facts.untouched(&child, &columns).is_err() {
            return None;
        }
        let pairs =
            columns.iter().zip(&to).map(|(column, to)| format!("{alias}.{} = referrer.{}", quote(to), quote(column)));
        let filter = filter.as_deref().map(|filter| format!(" AND ({filter})")).unwrap_or_default();
        let sql = format!(
            "SELECT count(*) FROM {} AS referrer WHERE EXISTS (SELECT 1 FROM {} AS {alias} WHERE {}{filter})",
            child.quoted(),
            name.quoted(),
            pairs.collect::<Vec<_>>().join(" AND ")
        );
        let verdict = site.facts.counted(&child, &sql, "rows that refer to them");
        let by = format!("foreign key {key} of {child} (23503)");
        matches!(verdict, Verdict::Harmful(..)).then_some(Refused { by, verdict })
    })
}

/// The first key that an INSERT of a query breaks, by the rows of the query and those that are there.
pub(super) fn by_insert(site: &mut Site<'_, '_>) -> Option<Refused> {
    let Action::Insert { table, columns, rows } = site.action else { return None };
    // Whether their keys are there is asked of VALUES by H06.
    let alone = matches!(rows, crate::sql::action::Rows::Values(_));
    let origin = parts::origin(&site.statement.text).filter(|origin| !origin.on_conflict)?;
    let query = origin
        .query
        .filter(|query| !FICKLE[..5].iter().any(|word| *word != "select" && query.to_lowercase().contains(word)))?;
    for source in &origin.tables {
        let as_before = |known: &Table| known.in_database.as_ref() == Some(source) && known.written.is_none();
        site.facts.look(source, as_before).filter(|as_before| *as_before)?;
    }
    let known = site.facts.table(table).filter(|known| known.known)?;
    if columns.is_empty() {
        return None;
    }
    if let (Some(line), false) = (known.written, alone) {
        let holds = |key: &Constraint| {
            matches!(key.kind, Kind::Unique | Kind::PrimaryKey) && key.columns.iter().all(|of| columns.contains(of))
        };
        let (key, _) = known.constraints.iter().find(|(_, key)| holds(key))?;
        let why = format!("line {line} writes rows of {table} first: only a run shows which keys are there");
        return Some(Refused { by: format!("key {key} (23505)"), verdict: Verdict::Open(DecidedBy::NotJudged(why)) });
    }
    let (name, _) = site.facts.untouched(table, columns).ok().filter(|(_, names)| names == columns)?;
    let given = format!("({query}) AS given ({})", quoted_list(columns));
    let mut constraints: Vec<(&String, &Constraint)> = known.constraints.iter().collect();
    constraints.sort_by_key(|(name, _)| *name);
    let required = columns.iter().find_map(|column| {
        known.columns.get(column).filter(|found| found.not_null)?;
        let sql = format!("SELECT count(*) FROM {given} WHERE {} IS NULL", quote(column));
        let verdict = site.facts.counted(&name, &sql, "rows that it refuses");
        let by = format!("NOT NULL of {column} (23502)");
        matches!(verdict, Verdict::Harmful(..)).then_some(Refused { by, verdict })
    });
    required.or_else(|| {
        constraints.into_iter().find_map(|(key, constraint)| {
            let of = &constraint.columns;
            if !matches!(constraint.kind, Kind::Unique | Kind::PrimaryKey)
                || !of.iter().all(|column| columns.contains(column))
            {
                return None;
            }
            let cast = |column: &String| {
                let to = known.columns.get(column).map_or("text", |found| found.data_type.as_str());
                format!("{}::{to}", quote(column))
            };
            let cast: Vec<String> = of.iter().map(cast).collect();
            let (list, cast) = (quoted_list(of), cast.join(", "));
            let filled: Vec<String> = of.iter().map(|column| format!("{} IS NOT NULL", quote(column))).collect();
            let there = if alone { String::new() } else { format!(" UNION ALL SELECT {list} FROM {}", name.quoted()) };
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM (SELECT {cast} FROM {given}{there}) AS w ({list}) \
             WHERE {} GROUP BY {list} HAVING count(*) > 1) AS twice",
                filled.join(" AND ")
            );
            let verdict = site.facts.counted(&name, &sql, "keys that occur more than once");
            matches!(verdict, Verdict::Harmful(..)).then_some(Refused { by: format!("key {key} (23505)"), verdict })
        })
    })
}

/// A value that is none of its column's type, or too long for it.
pub(super) fn too_long(site: &mut Site<'_, '_>) -> Option<Refused> {
    let Action::Update { table, columns: set, filter } = site.action else { return None };
    parts::target(&site.statement.text).filter(|target| !target.joined && target.alias.is_none())?;
    let known = site.facts.table(table).filter(|known| known.known)?;
    set.iter().find_map(|(column, value)| {
        let of = types::parse(&known.columns.get(column)?.data_type);
        let limit = of.arguments.first().filter(|_| of.base.starts_with("character") && !of.array)?;
        if value.trim().eq_ignore_ascii_case("default") {
            return None;
        }
        let mut used = condition::columns(value, &known);
        used.extend(filter.as_deref().map(|filter| condition::columns(filter, &known)).unwrap_or_default());
        let (name, _) =
            site.facts.untouched(table, &used).ok().filter(|(name, names)| name == table && *names == used)?;
        let filter = filter.as_deref().map(|filter| format!("({filter}) AND ")).unwrap_or_default();
        let sql = format!(
            "SELECT count(*) FROM {} WHERE {filter}char_length(rtrim(({value})::text)) > {limit}",
            name.quoted()
        );
        let verdict = site.facts.counted(&name, &sql, "values that are too long");
        matches!(verdict, Verdict::Harmful(..))
            .then_some(Refused { by: format!("the length of {column} (22001)"), verdict })
    })
}
