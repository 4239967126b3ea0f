//! H24: a column comes that is computed of others.

use crate::review::added;
use crate::review::catalog::Table;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::live::Answer;
use crate::review::lock::Lock;
use crate::sql::action::{Column, Generated};
use crate::sql::parts;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H24",
    title: "a generated column is added",
    class: Class::Lock,
    danger: "STORED is computed for each row: the table and every index on it are written anew under ACCESS EXCLUSIVE, and the statement \
             fails where the expression fails on a row. VIRTUAL costs nothing, since PostgreSQL 18, where it is what no word means; \
             earlier versions refuse it.",
    decided: Some("how large the table is, whether the expression can be computed for each row, and the server's version"),
    safe: "a plain column, filled by a trigger and in batches; since PostgreSQL 18 VIRTUAL",
    aka: &[
        ("squawk", &["adding-field-with-default"]),
        ("strong_migrations", &["add_column_generated_stored"]),
        ("eugene", &["E11"]),
        ("migrationpilot", &["MP062"]),
    ],
    judge,
};

const VIRTUAL_SINCE: u32 = 18;

fn judge(site: &mut Site<'_, '_>) {
    let Some(column) = added::column(site) else { return };
    match column.generated {
        Some(Generated::Stored) => stored(site, column),
        Some(Generated::Virtual) if site.facts.major.is_none_or(|major| major < VIRTUAL_SINCE) => {
            let (severity, decided) = match site.facts.major {
                Some(major) => (Severity::Error, DecidedBy::Static(format!("PostgreSQL {major}"))),
                None => (Severity::Warning, DecidedBy::NotJudged("the server's version is not known".to_owned())),
            };
            let title = format!(
                "adds virtual column {}.{}, which PostgreSQL before {VIRTUAL_SINCE} refuses",
                column.table, column.column
            );
            site.find(Draft::new(severity, title).on(&column.table).by(decided).remedy(HAZARD.safe));
        }
        _ => {}
    }
}

fn stored(site: &mut Site<'_, '_>, column: &Column) {
    let table = &column.table;
    let (mut severity, mut decided) = site.facts.weight(table);
    let mut words = "computing it for each row writes the table anew".to_owned();
    match computable(site, column) {
        Some(Ok(answer)) if severity == Severity::Note => decided = answer,
        None | Some(Ok(_)) => {}
        Some(Err(why)) => {
            severity = Severity::Error;
            words = format!("its expression fails on a row ({why})");
            decided = site.facts.decided(&why, None);
        }
    }
    site.find(
        Draft::new(severity, format!("adds stored column {table}.{}: {words}", column.column))
            .lock(table, Lock::AccessExclusive)
            .rewrites(true)
            .by(decided)
            .remedy("add a plain column; let a trigger fill new rows, and fill the old ones in batches")
            .sql([format!("ALTER TABLE {} ADD COLUMN {} {};", table.quoted(), crate::sql::names::quote(&column.column), column.data_type)]),
    );
}

/// Whether the expression can be computed for each row that is there; `None` where that was not asked.
fn computable(site: &mut Site<'_, '_>, column: &Column) -> Option<Result<DecidedBy, String>> {
    let expression = parts::generated(&site.statement.text, &column.column)?;
    let known = site.facts.table(&column.table).filter(|known| as_before(known))?;
    let name = known.in_database.clone()?;
    let live = site.facts.live.as_mut()?;
    match live.count(&format!("SELECT count({expression}) FROM {}", name.quoted())) {
        Answer::Count { elapsed, .. } => Some(Ok(live.decided("computed for each row without an error", Some(elapsed)))),
        // Class 22: data exceptions, as a division by zero.
        Answer::NotJudged { why, .. } => why.find("SQLSTATE 22").map(|at| Err(why[at..].to_owned())),
    }
}

fn as_before(table: &Table) -> bool {
    table.columns.iter().all(|(name, column)| {
        !column.retyped && column.written.is_none() && column.in_database.as_ref().is_none_or(|old| old == name)
    })
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_stored_and_on_virtual_where_the_version_is_not_known_to_have_it() {
        fires("H24", "ALTER TABLE users ADD COLUMN a text GENERATED ALWAYS AS (lower(email)) STORED");
        fires("H24", "ALTER TABLE users ADD COLUMN a text GENERATED ALWAYS AS (lower(email))");
        silent("H24", "ALTER TABLE users ADD COLUMN a text DEFAULT 'x', ADD COLUMN b int GENERATED ALWAYS AS IDENTITY");
        silent("H24", "CREATE TABLE t (a text); ALTER TABLE t ADD COLUMN b text GENERATED ALWAYS AS (lower(a)) STORED");
    }
}
