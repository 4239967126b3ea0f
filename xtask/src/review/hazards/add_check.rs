//! H31: a CHECK is added, or validated, over the rows that are there.

use crate::review::catalog::Kind;
use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::weighed::{LATER, called};
use crate::sql::TableName;
use crate::sql::action::{Action, ConstraintKind};
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H31",
    title: "a CHECK is added over existing rows",
    class: Class::MayFail,
    danger: "ADD CHECK reads every row under ACCESS EXCLUSIVE, and the first row for which it is false fails it; NULL passes. VALIDATE CONSTRAINT \
             reads under SHARE UPDATE EXCLUSIVE, which stops nobody, and fails on the same rows.",
    decided: Some("how many rows it refuses, and how large the table is"),
    safe: "ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a later transaction",
    aka: &[
        ("squawk", &["constraint-missing-not-valid"]),
        ("strong_migrations", &["add_check_constraint"]),
        ("eugene", &["E1"]),
        ("atlas", &["PG305"]),
        ("bytebase", &["STATEMENT_ADD_CHECK_NOT_VALID"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::AddConstraint { table, kind: ConstraintKind::Check, name, expression, not_valid: false, .. } => {
            add(site, table, name.as_ref(), expression.as_deref());
        }
        Action::ValidateConstraint { table, name } => validate(site, table, name),
        _ => {}
    }
}

fn add(site: &mut Site<'_, '_>, table: &TableName, name: Option<&String>, expression: Option<&str>) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let rows = match expression {
        Some(expression) => site.facts.violations(table, expression),
        None => Verdict::Open(DecidedBy::NotJudged("its condition could not be read".to_owned())),
    };
    let words = match rows {
        Verdict::Harmful(..) => "there are rows that it refuses, so it fails",
        Verdict::Clear(_) => "all rows are read while nobody reads or writes",
        Verdict::Open(_) => "all rows are read while nobody reads or writes, and one that it refuses fails it",
    };
    let weight = site.facts.weight(table);
    let (severity, decided) = rows.with(weight);
    let (name, sql) = (called(name, table, &[], "check"), table.quoted());
    let quoted = quote(&name);
    let condition = expression.unwrap_or("…");
    site.find(
        Draft::new(severity, format!("adds CHECK {name} to {table}: {words}"))
            .lock(table, Lock::AccessExclusive)
            .scans(true)
            .by(decided)
            .remedy("add it NOT VALID, correct the rows, and validate it in a later transaction")
            .sql([
                format!("ALTER TABLE {sql} ADD CONSTRAINT {quoted} CHECK ({condition}) NOT VALID;"),
                LATER.to_owned(),
                format!("ALTER TABLE {sql} VALIDATE CONSTRAINT {quoted};"),
            ]),
    );
}

/// The scan stops nobody; only the rows can fail it.
fn validate(site: &mut Site<'_, '_>, table: &TableName, name: &str) {
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let constraint = site.facts.table(table).and_then(|facts| facts.constraints.get(name).cloned());
    let (what, rows) = match constraint {
        Some(found) if found.valid || found.kind == Kind::ForeignKey => return,
        Some(found) if found.kind == Kind::NotNull => ("NOT NULL", site.facts.nulls(table, &found.columns)),
        Some(found) => {
            let rows = found.expression.as_deref().map(|expression| site.facts.violations(table, expression));
            ("CHECK", rows.unwrap_or_else(|| unknown(table, name)))
        }
        None if super::add_foreign_key::named_like_one(name) => return,
        None => ("constraint", unknown(table, name)),
    };
    let known = what != "constraint";
    // Where nobody may be asked, a constraint that is known is validated as it should be: it stops nobody, and a failure changes nothing.
    let severity = match rows {
        Verdict::Open(_) if known && site.facts.asked().is_none() => Severity::Note,
        _ => rows.severity(Severity::Note),
    };
    let words = match rows {
        Verdict::Harmful(..) => "there are rows that it refuses, so it fails",
        Verdict::Clear(_) => "all rows pass",
        Verdict::Open(_) => "one row that it refuses fails it",
    };
    site.find(
        Draft::new(severity, format!("validates {what} {name} of {table}: {words}"))
            .lock(table, Lock::ShareUpdateExclusive)
            .scans(true)
            .by(rows.decided())
            .remedy("correct the rows first, in batches and outside the migration"),
    );
}

pub(super) fn unknown(table: &TableName, name: &str) -> Verdict {
    Verdict::Open(DecidedBy::NotJudged(format!("what {name} of {table} says is not known")))
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_where_rows_are_read_and_not_on_not_valid_or_a_new_table() {
        fires("H31", "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0)");
        fires("H31", "ALTER TABLE users VALIDATE CONSTRAINT c");
        silent("H31", "ALTER TABLE users ADD CONSTRAINT c CHECK (age > 0) NOT VALID");
        silent("H31", "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)");
    }
}
