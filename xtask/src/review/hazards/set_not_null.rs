//! H30: a column is made NOT NULL.

use crate::review::catalog::{Column, Constraint, Kind, Table};
use crate::review::condition;
use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::weighed::{LATER, counted};
use crate::sql::TableName;
use crate::sql::action::{Action, ConstraintKind};
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H30",
    title: "a column is made NOT NULL",
    class: Class::MayFail,
    danger: "Every row is read under ACCESS EXCLUSIVE, and the first NULL fails it. Since 12 a valid CHECK (c IS NOT NULL) proves it without \
             reading; 18 takes NOT NULL as a constraint that is NOT VALID at first. Code that leaves the column out fails from then on.",
    decided: Some("how many NULLs it holds, and how large the table is"),
    safe: "CHECK (c IS NOT NULL) NOT VALID, validate it in a later transaction, then SET NOT NULL and drop the check",
    aka: &[
        ("squawk", &["adding-not-nullable-field"]),
        ("strong_migrations", &["change_column_null_postgresql", "change_column_with_not_null"]),
        ("eugene", &["E2"]),
        ("atlas", &["MF104", "PG303"]),
        ("drizzle-migration-lint", &["set-not-null"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let (table, columns) = match site.action {
        Action::SetNotNull { table, column } => (table, vec![column.clone()]),
        Action::AddConstraint { table, kind: ConstraintKind::NotNull, columns, not_valid, .. } => {
            if site.facts.is_new(table, site.at.file) {
                return;
            }
            if site.facts.major.is_none_or(|major| major < 18) {
                return refused(site, table, columns);
            }
            if *not_valid {
                return;
            }
            (table, columns.clone())
        }
        _ => return,
    };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    for column in columns {
        make_not_null(site, table, &column);
    }
}

fn refused(site: &mut Site<'_, '_>, table: &TableName, columns: &[String]) {
    let severity = if site.facts.major.is_some() { Severity::Error } else { Severity::Warning };
    let name = columns.join(", ");
    let sql: Vec<String> = columns.iter().flat_map(|column| steps(site, table, column)).collect();
    site.find(
        Draft::new(severity, format!("makes {table}.{name} NOT NULL in the syntax of PostgreSQL 18: earlier versions refuse it"))
            .on(table)
            .remedy("add CHECK (… IS NOT NULL) NOT VALID, validate it later, then SET NOT NULL")
            .sql(sql),
    );
}

/// Whether nothing has to be read, because a constraint says so already.
pub(super) fn proven(table: &Table, column: &str, major: Option<u32>) -> bool {
    let unproven = table.constraints.of(column).any(|(_, constraint)| {
        constraint.kind == Kind::NotNull && !constraint.valid && constraint.columns.iter().any(|name| name == column)
    });
    let already = table.columns.get(column).is_some_and(|found| found.not_null) && !unproven;
    already
        || table.constraints.of(column).any(|(_, constraint)| match (constraint.kind, &constraint.expression) {
            (Kind::Check, Some(expression)) => {
                constraint.valid
                    && major.is_none_or(|major| major >= 12)
                    && condition::proves_not_null(expression, column)
            }
            (Kind::NotNull, _) => constraint.valid && constraint.columns.iter().any(|name| name == column),
            _ => false,
        })
}

/// The NULLs that are there when the statement runs.
pub(super) fn nulls(site: &mut Site<'_, '_>, table: &TableName, column: &str) -> Verdict {
    match site.facts.column(table, column) {
        Some(Column { filled: Some(line), .. }) => Verdict::none(&format!("line {line} fills each NULL")),
        Some(Column { in_database: None, default: Some(default), written: None, .. })
            if !default.eq_ignore_ascii_case("null") =>
        {
            Verdict::none("the new column has a default")
        }
        // Each row that is there has NULL.
        Some(Column { in_database: None, default: None, generated: None, written: None, .. }) => site.facts.any(table),
        Some(Column { written: Some(_), .. }) => copied(site, table, column),
        _ => site.facts.nulls(table, &[column.to_owned()]),
    }
}

/// One UPDATE of all rows wrote the column: the rows of before tell whether its expression gives NULL.
fn copied(site: &mut Site<'_, '_>, table: &TableName, column: &str) -> Verdict {
    let columns = [column.to_owned()];
    let written = site.facts.session.written(table);
    let first = written.first.filter(|_| written.statements == 1).and_then(|at| site.scene.action(at));
    let Some(Action::Update { columns: set, filter: None, .. }) = first else {
        return site.facts.nulls(table, &columns);
    };
    let Some((_, value)) = set.iter().find(|(name, _)| name == column) else {
        return site.facts.nulls(table, &columns);
    };
    let Some(facts) = site.facts.table(table) else { return site.facts.nulls(table, &columns) };
    let used = condition::columns(value, &facts);
    let as_before = used.iter().all(|name| {
        let old = facts.columns.get(name);
        old.is_some_and(|old| old.in_database.as_ref() == Some(name) && !old.retyped && old.written.is_none())
    });
    match &facts.in_database {
        Some(name) if as_before && name == table => {
            let sql = format!("SELECT count(*) FROM {} WHERE ({value}) IS NULL", name.quoted());
            site.facts.counted(name, &sql, &format!("NULLs in what {column} is filled with"))
        }
        _ => site.facts.nulls(table, &columns),
    }
}

fn steps(site: &mut Site<'_, '_>, table: &TableName, column: &str) -> Vec<String> {
    // One that is there and says so only has to be validated.
    let there = site.facts.table(table).and_then(|facts| {
        let proves = |constraint: &&Constraint| {
            let expression = constraint.expression.as_deref().unwrap_or_default();
            constraint.kind == Kind::Check && !constraint.valid && condition::proves_not_null(expression, column)
        };
        facts.constraints.iter().find(|(_, constraint)| proves(constraint)).map(|(name, _)| name.clone())
    });
    let (sql, name) = (table.quoted(), quote(column));
    let check = quote(there.as_deref().unwrap_or(&format!("{}_{column}_present", table.name)));
    let added = format!("ALTER TABLE {sql} ADD CONSTRAINT {check} CHECK ({name} IS NOT NULL) NOT VALID;");
    let first = if there.is_some() { Vec::new() } else { vec![added, LATER.to_owned()] };
    let then = [
        format!("ALTER TABLE {sql} VALIDATE CONSTRAINT {check};"),
        "-- another one:".to_owned(),
        format!("ALTER TABLE {sql} ALTER COLUMN {name} SET NOT NULL;"),
        format!("ALTER TABLE {sql} DROP CONSTRAINT {check};"),
    ];
    first.into_iter().chain(then).collect()
}

fn steps_of_18(table: &TableName, column: &str) -> Vec<String> {
    let (sql, name, called) = (table.quoted(), quote(column), quote(&format!("{}_{column}_not_null", table.name)));
    vec![
        format!("ALTER TABLE {sql} ADD CONSTRAINT {called} NOT NULL {name} NOT VALID;"),
        LATER.to_owned(),
        format!("ALTER TABLE {sql} VALIDATE CONSTRAINT {called};"),
    ]
}

fn make_not_null(site: &mut Site<'_, '_>, table: &TableName, column: &str) {
    let major = site.facts.major;
    if site.facts.table(table).is_some_and(|facts| proven(&facts, column, major)) {
        return;
    }
    let rows = nulls(site, table, column);
    let words = match (counted(&rows), &rows) {
        (Some(_), _) => "there are NULLs, so it fails",
        (None, Verdict::Clear(_)) => "all rows are read while nobody reads or writes",
        (None, _) => "all rows are read while nobody reads or writes, and one NULL fails it",
    };
    let filled = matches!(&rows, Verdict::Clear(DecidedBy::Static(_)));
    let weight = site.facts.weight(table);
    let (severity, decided) = rows.with(weight);
    let mut sql = Vec::new();
    if !filled {
        let (table, column) = (table.quoted(), quote(column));
        sql.push(format!("-- in batches, outside the migration: UPDATE {table} SET {column} = … WHERE {column} IS NULL;"));
    }
    sql.extend(if major.is_some_and(|major| major >= 18) { steps_of_18(table, column) } else { steps(site, table, column) });
    site.find(
        Draft::new(severity, format!("makes {table}.{column} NOT NULL: {words}"))
            .lock(table, Lock::AccessExclusive)
            .scans(true)
            .by(decided)
            .remedy("fill the NULLs first; prove it with a constraint that is validated without stopping anybody")
            .sql(sql),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_unless_the_table_is_new_or_a_valid_check_proves_it() {
        fires("H30", "ALTER TABLE users ALTER COLUMN email SET NOT NULL");
        fires("H30", "ALTER TABLE users ADD CONSTRAINT c CHECK (email IS NOT NULL) NOT VALID; ALTER TABLE users ALTER email SET NOT NULL");
        fires("H30", "ALTER TABLE users ADD CONSTRAINT c NOT NULL email NOT VALID");
        silent("H30", "ALTER TABLE users ADD CONSTRAINT c CHECK (email IS NOT NULL); ALTER TABLE users ALTER email SET NOT NULL");
        silent("H30", "CREATE TABLE t (a int); ALTER TABLE t ALTER a SET NOT NULL");
    }
}
