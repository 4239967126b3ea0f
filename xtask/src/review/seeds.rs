//! Rows that a file inserts by their keys: whether such a key is there already.

use super::catalog::{Kind, Table};
use super::facts::Facts;
use super::finding::{DecidedBy, Severity};
use super::hazard::Site;
use super::live::Answer;
use crate::sql::TableName;
use crate::sql::names::{quote, quoted_list};
use crate::sql::parts;

/// More rows than these are not asked for.
const MOST: usize = 1_000;

/// The key that rows may share with ones that are there, and what says so; `None` where no key is written.
#[must_use]
pub(super) fn collision(
    site: &mut Site<'_, '_>,
    table: &TableName,
    columns: &[String],
) -> Option<(Severity, String, DecidedBy)> {
    let origin = parts::origin(&site.statement.text).unwrap_or_default();
    if origin.on_conflict {
        return None;
    }
    let known = site.facts.table(table)?;
    let mut worst: Option<(Severity, String, DecidedBy)> = None;
    for key in given(&known, columns) {
        let found = site.facts.taken(table, &known, columns, &key, &origin.values);
        if worst.as_ref().is_none_or(|(severity, ..)| found.0 > *severity) {
            worst = Some((found.0, key.join(", "), found.1));
        }
    }
    worst
}

/// Keys all of whose columns the statement gives.
fn given(table: &Table, columns: &[String]) -> Vec<Vec<String>> {
    let constraints = table.constraints.values().filter(|key| matches!(key.kind, Kind::PrimaryKey | Kind::Unique));
    let indexes = table.indexes.values().filter(|index| index.unique && !index.expressions && index.filter.is_none());
    let mut keys: Vec<Vec<String>> = constraints
        .map(|key| key.columns.clone())
        .chain(indexes.map(|index| index.columns.clone()))
        .filter(|key| !key.is_empty() && (columns.is_empty() || key.iter().all(|column| columns.contains(column))))
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

impl Facts<'_> {
    fn taken(
        &mut self,
        table: &TableName,
        known: &Table,
        columns: &[String],
        key: &[String],
        rows: &[String],
    ) -> (Severity, DecidedBy) {
        let open = |why: String| (Severity::Warning, DecidedBy::NotJudged(why));
        let as_before = key.iter().all(|column| {
            known.columns.get(column).is_some_and(|known| known.in_database.as_ref() == Some(column) && !known.retyped)
        });
        let (Some(name), true) = (&known.in_database, as_before) else {
            return open(format!("the key of {table} is not yet so in a database"));
        };
        if rows.is_empty() || rows.len() > MOST {
            return open(format!("whether {} rows are there already was not asked", rows.len()));
        }
        let there = key.iter().map(|column| format!("t.{0} = v.{0}", quote(column))).collect::<Vec<_>>().join(" AND ");
        // The row type knows the order of columns and their types, which literals alone do not tell.
        let values = if columns.is_empty() {
            let rows: Vec<String> = rows.iter().map(|row| format!("(ROW{row}::{})", name.quoted())).collect();
            format!("SELECT (r).* FROM (VALUES {}) AS rows (r)", rows.join(", "))
        } else {
            let cast = |column: &String| {
                let data_type = known.columns.get(column).map(|known| known.data_type.as_str()).unwrap_or_default();
                format!("{}::{data_type} AS {0}", quote(column))
            };
            let list = key.iter().map(cast).collect::<Vec<_>>().join(", ");
            format!("SELECT {list} FROM (VALUES {}) AS rows ({})", rows.join(", "), quoted_list(columns))
        };
        let sql = format!("SELECT count(*) FROM {} AS t JOIN ({values}) AS v ON {there}", name.quoted());
        let Some(live) = self.live.as_mut() else { return open(format!("no database was asked; run: {sql};")) };
        match live.count(&sql) {
            Answer::Count { count, elapsed } => {
                let decided = live.decided(&format!("{count} of these keys are there"), Some(elapsed));
                (if count == 0 { Severity::Note } else { Severity::Error }, decided)
            }
            // The text would show values that the file writes.
            Answer::NotJudged { why, .. } => open(why),
        }
    }
}
