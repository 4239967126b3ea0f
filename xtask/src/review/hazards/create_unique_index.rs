//! H61: a unique index meets values that occur more than once.

use crate::review::catalog::Table;
use crate::review::facts::{Question, Verdict};
use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::indexes;
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::{Action, CreateIndex};
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H61",
    title: "a unique index fails on values that occur more than once",
    class: Class::MayFail,
    danger: "The first pair of equal values fails it (23505), and with it the transaction. Built CONCURRENTLY it leaves an INVALID index \
             behind, which costs every write and finds nothing. NULLs are all different, unless NULLS NOT DISTINCT (15 and later).",
    decided: Some("how many values, or combinations, occur more than once"),
    safe: "make the values different first, then build the index CONCURRENTLY",
    aka: &[("atlas", &["MF101", "MF102"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::CreateIndex(index) = site.action else { return };
    let table = &index.table;
    if !index.unique || site.facts.is_new(table, site.at.file) || indexes::is_there(index, site.facts) {
        return;
    }
    let name = index.name.clone().unwrap_or_default();
    let harmless = site.facts.look(table, |table| {
        indexes::keeps_apart(table, &name, &index.columns).is_some() || all_null(table, index)
    });
    if harmless.unwrap_or(false) {
        return;
    }
    let verdict = duplicates(site, index);
    let severity = verdict.severity(Severity::Note);
    let parts = parts(index).join(", ");
    let fails = match verdict {
        Verdict::Harmful(..) => "fails",
        Verdict::Clear(_) => "would fail",
        Verdict::Open(_) => "may fail",
    };
    let left = if index.concurrently { ", and leaves an invalid index behind" } else { "" };
    let filter = index.filter.as_ref().map(|filter| format!(" WHERE {filter}")).unwrap_or_default();
    let lock = if index.concurrently { Lock::ShareUpdateExclusive } else { Lock::Share };
    site.find(
        Draft::new(severity, format!("a unique index on {table} ({parts}) {fails} where values occur more than once{left}"))
            .lock(table, lock)
            .scans(true)
            .by(verdict.decided())
            .remedy("find the rows that are equal, merge or change them, and build the index then")
            .sql([
                format!("SELECT {parts}, count(*) FROM {}{filter} GROUP BY {parts} HAVING count(*) > 1;", table.quoted()),
                "-- once none is left:".to_owned(),
                format!("{};", if index.concurrently { site.statement.text.clone() } else { indexes::concurrently(&site.statement.text) }),
            ]),
    );
}

/// A new column without a value keeps every row apart.
fn all_null(table: &Table, index: &CreateIndex) -> bool {
    !index.nulls_not_distinct
        && table.written.is_none()
        && index.columns.iter().filter_map(|column| table.columns.get(column)).any(|column| {
            let empty = column.default.is_none() && column.generated.is_none() && !column.data_type.contains("serial");
            column.in_database.is_none() && empty && !column.not_null && column.written.is_none()
        })
}

fn parts(index: &CreateIndex) -> Vec<String> {
    index.columns.iter().map(|column| quote(column)).chain(index.expressions.iter().cloned()).collect()
}

fn duplicates(site: &mut Site<'_, '_>, index: &CreateIndex) -> Verdict {
    let mut columns = index.columns.clone();
    let keys = columns.len();
    let texts = index.expressions.iter().chain(&index.filter).cloned().collect::<Vec<_>>().join(" ");
    let others = site.facts.look(&index.table, |table| indexes::mentioned(table, &texts)).unwrap_or_default();
    columns.extend(others);
    let sql = |table: &TableName, names: &[String]| {
        let parts: Vec<String> =
            names.iter().take(keys).map(|column| quote(column)).chain(index.expressions.iter().cloned()).collect();
        let mut tests: Vec<String> = Vec::new();
        if !index.nulls_not_distinct {
            tests.extend(parts.iter().map(|part| format!("({part}) IS NOT NULL")));
        }
        tests.extend(index.filter.iter().map(|filter| format!("({filter})")));
        let filter = if tests.is_empty() { "true".to_owned() } else { tests.join(" AND ") };
        let list = parts.join(", ");
        format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} WHERE {filter} GROUP BY {list} HAVING count(*) > 1) d",
            table.quoted()
        )
    };
    let unit = "values that occur more than once";
    site.facts.rows(&Question { table: &index.table, columns: &columns, sql: &sql, unit })
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_where_rows_may_be_equal_and_not_where_a_new_column_holds_nothing() {
        fires("H61", "CREATE UNIQUE INDEX i ON users (email)");
        fires("H61", "CREATE UNIQUE INDEX CONCURRENTLY i ON users (lower(email)) WHERE active");
        fires("H61", "ALTER TABLE users ADD COLUMN a int DEFAULT 1; CREATE UNIQUE INDEX i ON users (a)");
        silent("H61", "ALTER TABLE users ADD COLUMN a int; CREATE UNIQUE INDEX i ON users (a)");
        silent("H61", "CREATE TABLE t (a int); CREATE UNIQUE INDEX i ON t (a)");
        silent("H61", "CREATE INDEX i ON users (email)");
    }
}
