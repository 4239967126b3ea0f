//! H20: a column that must have a value comes without one.

use crate::review::added;
use crate::review::facts::Verdict;
use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H20",
    title: "a required column is added without a default",
    class: Class::MayFail,
    danger: "Each row that is there would hold NULL, so the statement fails with 23502 as soon as there is one; on an empty table it \
             passes. Running code that does not know the column cannot insert afterwards. ACCESS EXCLUSIVE, for an instant.",
    decided: Some("whether the table has a row"),
    safe: "add it with a constant default, or without NOT NULL, fill it in batches, and require it later",
    aka: &[
        ("squawk", &["adding-required-field"]),
        ("atlas", &["MF103"]),
        ("pgfence", &["add-column-not-null-no-default"]),
        ("bytebase", &["COLUMN_NO_NULL", "STATEMENT_DISALLOW_ADD_NOT_NULL"]),
        ("migrationpilot", &["MP084"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Some(column) = added::column(site) else { return };
    let required = column.not_null || column.primary_key;
    if !required || added::is_serial(column) || added::default(column).is_some() || column.generated.is_some() {
        return;
    }
    let (table, name) = (&column.table, quote(&column.column));
    let rows = site.facts.any(table);
    let words = match &rows {
        Verdict::Harmful(..) => "fails: the rows that are there would hold NULL",
        Verdict::Clear(_) => "passes on the empty table; code that does not know the column cannot insert",
        Verdict::Open(_) => "fails if the table has a row",
    };
    let quoted = table.quoted();
    site.find(
        Draft::new(rows.severity(Severity::Note), format!("adds column {table}.{} NOT NULL without a default: {words}", column.column))
            .lock(table, Lock::AccessExclusive)
            .by(rows.decided())
            .remedy("give it a constant default; or add it without NOT NULL, fill it, and require it in a later migration, deployed separately")
            .sql([
                format!("ALTER TABLE {quoted} ADD COLUMN {name} {};", column.data_type),
                format!("-- the code writes it; then, in batches: UPDATE {quoted} SET {name} = <its value> WHERE {name} IS NULL;"),
                "-- a later migration, deployed separately:".to_owned(),
                format!("ALTER TABLE {quoted} ALTER COLUMN {name} SET NOT NULL;"),
            ]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_where_rows_would_hold_null_and_not_where_each_gets_a_value() {
        fires("H20", "ALTER TABLE users ADD COLUMN a int NOT NULL");
        fires("H20", "ALTER TABLE users ADD COLUMN a int PRIMARY KEY");
        fires("H20", "ALTER TABLE users ADD COLUMN a int NOT NULL DEFAULT NULL");
        silent("H20", "ALTER TABLE users ADD COLUMN a int NOT NULL DEFAULT 0, ADD COLUMN b int, ADD COLUMN c bigserial NOT NULL");
        silent("H20", "ALTER TABLE users ADD COLUMN a int NOT NULL GENERATED ALWAYS AS IDENTITY");
        silent("H20", "CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN b int NOT NULL");
    }
}
