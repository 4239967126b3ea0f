//! H72: an enum is made again with other values, by way of text.

use crate::review::facts::{Question, Verdict};
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::types;
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::{literal, quote};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H72",
    title: "an enum is made again with other values",
    class: Class::MayFail,
    danger: "PostgreSQL cannot take a value out of an enum. drizzle-kit turns each column into text, drops the type, creates it again and \
             casts back: the table is written anew twice under ACCESS EXCLUSIVE, and the cast fails (22P02) if one row holds a value that is \
             gone. Code of before that writes such a value fails.",
    decided: Some("how many rows hold a value that is gone"),
    safe: "give the rows another value first; a value that nobody writes does no harm and can stay",
    aka: &[("atlas", &["MY110"]), ("migrationpilot", &["MP024"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::ChangeType { table, column, data_type, .. } = site.action else { return };
    let Some(name) = types::named(data_type) else { return };
    let Some(made) = site.facts.enumeration(&name).filter(|found| found.made.is_some()) else { return };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let old = site.facts.column(table, column);
    if old.as_ref().is_some_and(|column| column.in_database.is_none()) {
        return;
    }
    let beside = old.as_ref().and_then(|column| types::named(&column.data_type)).filter(|from| *from != name);
    let beside = beside.and_then(|from| site.facts.enumeration(&from)).map(|found| found.values);
    let twice = made.before.is_some();
    let Some(before) = made.before.or(beside) else { return };
    let gone: Vec<String> = before.iter().filter(|value| !made.values.contains(value)).cloned().collect();
    let verdict = if before.is_empty() {
        Verdict::Open(DecidedBy::NotJudged(format!("which values {name} had is not known")))
    } else if gone.is_empty() {
        Verdict::Clear(DecidedBy::Static("no value is gone".to_owned()))
    } else {
        let in_database = old.and_then(|column| column.in_database).unwrap_or_else(|| column.clone());
        holding(site, table, &in_database, data_type.trim_end().ends_with(']'), &gone)
    };
    let (weight, size) = site.facts.weight(table);
    let rows = verdict.severity(Severity::Note);
    let listed: Vec<String> = gone.iter().map(|value| literal(value)).collect();
    let lost = match (before.is_empty(), gone.is_empty()) {
        (true, _) => "fails if a row holds a value that the new type lacks".to_owned(),
        (_, true) => "no value is gone".to_owned(),
        _ => format!("fails if a row holds {}", listed.join(" or ")),
    };
    let times = if twice { "twice" } else { "once" };
    let decided = match &verdict {
        Verdict::Clear(_) if weight > Severity::Note => size,
        _ => verdict.decided(),
    };
    site.find(
        Draft::new(rows.max(weight), format!("{table}.{column} becomes the new {name}: {lost}; the table is written anew {times}"))
            .lock(table, Lock::AccessExclusive)
            .rewrites(true)
            .by(decided)
            .remedy("map the rows to another value first, in batches; leave a value that nobody writes in the type")
            .sql(gone.iter().map(|value| {
                format!(
                    "UPDATE {} SET {c} = <another value> WHERE {c}::text = {};",
                    table.quoted(),
                    literal(value),
                    c = quote(column)
                )
            })),
    );
}

/// Rows with a value that is gone; the column is still an enum there, so it is compared as text.
fn holding(site: &mut Site<'_, '_>, table: &TableName, column: &str, array: bool, gone: &[String]) -> Verdict {
    let listed: Vec<String> = gone.iter().map(|value| literal(value)).collect();
    let sql = |table: &TableName, _: &[String]| {
        let test = if array {
            format!("{}::text[] && ARRAY[{}]", quote(column), listed.join(", "))
        } else {
            format!("{}::text IN ({})", quote(column), listed.join(", "))
        };
        format!("SELECT count(*) FROM {} WHERE {test}", table.quoted())
    };
    site.facts.rows(&Question { table, columns: &[], sql: &sql, unit: "rows with a value that is gone" })
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_the_cast_back_to_a_type_made_again_and_not_on_a_first_one() {
        fires(
            "H72",
            "ALTER TABLE t ALTER COLUMN m SET DATA TYPE text; DROP TYPE mood; CREATE TYPE mood AS ENUM('a');
             ALTER TABLE t ALTER COLUMN m SET DATA TYPE mood USING m::mood",
        );
        silent("H72", "CREATE TYPE mood AS ENUM('a'); ALTER TABLE t ALTER COLUMN m SET DATA TYPE mood USING m::mood");
    }
}
