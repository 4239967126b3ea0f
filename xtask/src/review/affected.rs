//! How many rows a statement writes: counted by its own filter, else estimated by the planner, else at most all rows of the table.
//!
//! Invariant: a number that may be too small is never given; where the reviewed files change what the filter reads, only the tests that
//! they leave alone are asked, which can only count more.

use super::catalog::{Kind, Table};
use super::facts::Facts;
use super::finding::DecidedBy;
use super::hazard::Site;
use super::live::Answer;
use crate::numbers::thousands;
use crate::sql::TableName;
use crate::sql::names::quote;
use crate::sql::parts::{self, Pin, Test};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Affected {
    /// `exact`: counted by the whole filter.
    Rows {
        count: i64,
        exact: bool,
        decided: DecidedBy,
    },
    Open(DecidedBy),
}

/// The rows of a table that an UPDATE or a DELETE writes.
pub(super) fn rows(site: &mut Site<'_, '_>, table: &TableName, filter: Option<&str>) -> Affected {
    let written = site.facts.session.written(table);
    if let Some(line) = written.unknown {
        return Affected::Open(DecidedBy::NotJudged(format!(
            "line {line} writes rows of {table} first: only a run shows how many there are"
        )));
    }
    site.facts.affected(table, &site.statement.text, filter, written.rows)
}

impl Facts<'_> {
    fn affected(&mut self, table: &TableName, statement: &str, filter: Option<&str>, more: i64) -> Affected {
        let open = |why: String| Affected::Open(DecidedBy::NotJudged(why));
        let Some(known) = self.table(table) else {
            return open(match self.asked() {
                Some(name) => format!("{table} is not in {name}"),
                None => format!("no database was asked; run: {};", counting(table, table, None, filter.as_slice())),
            });
        };
        let Some(name) = known.in_database.clone() else { return open(format!("{table} is new in these files")) };
        let target = parts::target(statement);
        let tests = filter.map_or(Some(Vec::new()), parts::tests);
        let whole = tests.as_ref().is_some_and(|tests| tests.iter().all(|test| unchanged(&known, test)));
        let kept: Vec<&str> =
            tests.iter().flatten().filter(|test| unchanged(&known, test)).map(|test| test.text.as_str()).collect();
        let alias = target.as_ref().and_then(|target| target.alias.as_deref());
        let alone = target.as_ref().is_some_and(|target| !target.joined);
        let sql = counting(&name, table, alias, if alone { &kept } else { &[] });
        let Some(live) = self.live.as_mut() else {
            return open(format!("no database was asked; run: {sql};"));
        };
        if alone && let Answer::Count { count, elapsed } = live.count(&sql) {
            let at_most = if whole { "" } else { "at most " };
            let decided = live.decided(&format!("{at_most}{} rows", thousands(count)), Some(elapsed));
            return Affected::Rows { count: count.saturating_add(more), exact: whole, decided };
        }
        if whole && let Some(count) = live.estimate(statement, &name.name) {
            let decided = live.decided(&format!("about {} rows by the planner's estimate", thousands(count)), None);
            return Affected::Rows { count: count.saturating_add(more), exact: false, decided };
        }
        match live.volume(&name) {
            Some(volume) => {
                let decided = live.decided(&format!("at most its {}", volume.words()), None);
                Affected::Rows { count: volume.rows.saturating_add(more), exact: false, decided }
            }
            None => open(format!("how many rows of {table} it writes could not be asked")),
        }
    }

    /// The rows that a query gives, which are inserted by this statement.
    pub(super) fn given(&mut self, query: Option<&str>, statement: &str, table: &TableName) -> Affected {
        let open = |why: String| Affected::Open(DecidedBy::NotJudged(why));
        let Some(live) = self.live.as_mut() else { return open("no database was asked".to_owned()) };
        if let Some(query) = query
            && let Answer::Count { count, elapsed } = live.count(&format!("SELECT count(*) FROM ({query}) AS given"))
        {
            let decided = live.decided(&format!("{} rows", thousands(count)), Some(elapsed));
            return Affected::Rows { count, exact: true, decided };
        }
        match live.estimate(statement, &table.name) {
            Some(count) => {
                let decided = live.decided(&format!("about {} rows by the planner's estimate", thousands(count)), None);
                Affected::Rows { count, exact: false, decided }
            }
            None => open("how many rows its query gives could not be asked".to_owned()),
        }
    }
}

fn counting(name: &TableName, table: &TableName, alias: Option<&str>, tests: &[&str]) -> String {
    let filter = if tests.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", tests.iter().map(|test| format!("({test})")).collect::<Vec<_>>().join(" AND "))
    };
    format!("SELECT count(*) FROM {} AS {}{filter}", name.quoted(), quote(alias.unwrap_or(&table.name)))
}

/// Whether the columns that a test reads are as they are in the database.
fn unchanged(table: &Table, test: &Test) -> bool {
    test.names
        .iter()
        .filter_map(|name| table.columns.get(name).map(|column| (name, column)))
        .all(|(name, column)| column.in_database.as_ref() == Some(name) && !column.retyped && column.written.is_none())
}

/// At most so many rows pass the filter, because it holds a key to constants.
#[must_use]
pub(super) fn pinned(table: &Table, filter: &str) -> Option<i64> {
    let tests = parts::tests(filter)?;
    let values = |column: &String| {
        tests.iter().find_map(|test| match &test.pin {
            Some(Pin::Values { column: of, count }) if of == column => i64::try_from(*count).ok(),
            _ => None,
        })
    };
    let keys = keys(table);
    let by_values = keys.iter().filter_map(|key| {
        key.iter().map(values).try_fold(1_i64, |product, count| Some(product.saturating_mul(count?)))
    });
    let by_range = tests.iter().filter_map(|test| match &test.pin {
        Some(Pin::Range { column, width }) if keys.iter().any(|key| key.as_slice() == [column.clone()]) => Some(*width),
        _ => None,
    });
    by_values.chain(by_range).min()
}

fn keys(table: &Table) -> Vec<Vec<String>> {
    let constraints = table.constraints.values().filter(|key| matches!(key.kind, Kind::PrimaryKey | Kind::Unique));
    let indexes = table
        .indexes
        .values()
        .filter(|index| index.unique && index.valid && !index.expressions && index.filter.is_none());
    let keys = constraints.map(|key| key.columns.clone()).chain(indexes.map(|index| index.columns.clone()));
    keys.filter(|columns| !columns.is_empty()).collect()
}

/// The column whose range a filter holds to constants.
#[must_use]
pub(super) fn ranged(table: &Table, filter: &str) -> Option<String> {
    parts::tests(filter)?.into_iter().find_map(|test| match test.pin {
        Some(Pin::Range { column, .. } | Pin::Side { column }) if keys(table).contains(&vec![column.clone()]) => {
            Some(column)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::catalog::{Catalog, Nothing, Place};
    use crate::sql::statements;

    #[test]
    fn a_key_held_to_constants_bounds_the_rows() {
        let mut catalog = Catalog::default();
        let place = Place { file: None, statement: 0, line: 1 };
        let table = "CREATE TABLE t (id int PRIMARY KEY, a int, b int, c text, UNIQUE (a, b))";
        catalog.apply(&statements::parse(table).statements[0].actions[0], place, &mut Nothing);
        let table = catalog.table(&TableName::new("public", "t"), &mut Nothing).unwrap();
        for (filter, expected) in [
            ("id = 17", Some(1)),
            ("t.id IN (1, 2, 3) AND c = 'x'", Some(3)),
            ("id BETWEEN 1 AND 5000 AND c IS NULL", Some(5000)),
            ("a = 1 AND b IN (1, 2)", Some(2)),
            ("a = 1", None),
            ("c = 'x'", None),
            ("id = 17 OR c = 'x'", None),
            ("id > 17", None),
            ("a BETWEEN 1 AND 2", None),
        ] {
            assert_eq!(pinned(table, filter), expected, "{filter}");
        }
    }
}
