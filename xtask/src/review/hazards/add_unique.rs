//! H33: a UNIQUE constraint is added over the rows that are there.

use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::weighed::{Behind, LATER, behind, called};
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::{quote, quoted_list};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H33",
    title: "a UNIQUE constraint is added over existing rows",
    class: Class::MayFail,
    danger: "The index is built under ACCESS EXCLUSIVE, and one value that is there twice fails it; NULLs are all different unless NULLS NOT \
             DISTINCT (15) is said. USING INDEX takes the lock for an instant. NOT VALID does not exist here.",
    decided: Some("how many values occur more than once, and how large the table is"),
    safe: "CREATE UNIQUE INDEX CONCURRENTLY outside a transaction, then ADD CONSTRAINT … UNIQUE USING INDEX",
    aka: &[
        ("squawk", &["disallowed-unique-constraint"]),
        ("strong_migrations", &["add_unique_constraint"]),
        ("eugene", &["E7"]),
        ("atlas", &["MF101", "PG105"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::AddUnique { table, name, columns, using_index, nulls_not_distinct } = site.action else { return };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let called = called(name.as_ref().or(using_index.as_ref()), table, columns, "key");
    if let Some(index) = using_index {
        return using(site, table, &called, index);
    }
    let text = site.statement.text.to_lowercase();
    let only_this = site.statement.actions.len() == 1;
    if only_this && text.trim_end().ends_with("not valid") {
        return refused(site, table, &called, "UNIQUE constraints cannot be NOT VALID");
    }
    if *nulls_not_distinct && site.facts.major.is_some_and(|major| major < 15) {
        return refused(site, table, &called, "NULLS NOT DISTINCT came with PostgreSQL 15");
    }
    let key = site.facts.partition_key(table);
    if key.iter().any(|column| !columns.contains(column)) {
        let why = format!("{table} is partitioned by ({}), which must be part of it", key.join(", "));
        return refused(site, table, &called, &why);
    }
    add(site, table, &called, columns, *nulls_not_distinct);
}

fn refused(site: &mut Site<'_, '_>, table: &TableName, name: &str, why: &str) {
    site.find(
        Draft::new(Severity::Error, format!("unique constraint {name} of {table} cannot be added: {why}"))
            .lock(table, Lock::AccessExclusive)
            .by(DecidedBy::Static(why.to_owned()))
            .remedy("build a unique index CONCURRENTLY, outside a transaction, and add the constraint USING INDEX"),
    );
}

fn using(site: &mut Site<'_, '_>, table: &TableName, name: &str, index: &str) {
    match behind(site.facts.table(table).as_deref(), index) {
        Behind::Fits(_) => {}
        Behind::Refused(why) => refused(site, table, name, &why),
        Behind::Unknown => site.find(
            Draft::new(Severity::Warning, format!("makes index {index} of {table} the constraint {name}: it must be there, unique and valid"))
                .lock(table, Lock::AccessExclusive)
                .by(DecidedBy::NotJudged(format!("the indexes of {table} are not known")))
                .remedy("look whether the index is valid and unique before"),
        ),
    }
}

/// The values that are there more than once when the statement runs.
pub(super) fn duplicates(site: &mut Site<'_, '_>, table: &TableName, columns: &[String], nulls_are_equal: bool) -> Verdict {
    let facts = site.facts.table(table);
    let new = |name: &String| {
        facts.as_ref().and_then(|facts| facts.columns.get(name)).is_some_and(|column| {
            let new = column.in_database.is_none() && column.written.is_none();
            new && column.default.is_none() && column.generated.is_none()
        })
    };
    if !nulls_are_equal && columns.iter().any(new) {
        return Verdict::none("a column of it is new and NULL in each row");
    }
    site.facts.duplicates(table, columns, nulls_are_equal, None)
}

fn add(site: &mut Site<'_, '_>, table: &TableName, name: &str, columns: &[String], nulls_not_distinct: bool) {
    let rows = duplicates(site, table, columns, nulls_not_distinct);
    let words = match rows {
        Verdict::Harmful(..) => "there are duplicates, so it fails",
        Verdict::Clear(_) => "its index is built while nobody reads or writes",
        Verdict::Open(_) => "its index is built while nobody reads or writes, and one duplicate fails it",
    };
    let weight = site.facts.weight(table);
    let (severity, decided) = rows.with(weight);
    let distinct = if nulls_not_distinct { " NULLS NOT DISTINCT" } else { "" };
    let (sql, list, quoted) = (table.quoted(), quoted_list(columns), quote(name));
    site.find(
        Draft::new(severity, format!("adds UNIQUE {name} ({}) to {table}: {words}", columns.join(", ")))
            .lock(table, Lock::AccessExclusive)
            .scans(true)
            .by(decided)
            .remedy("merge the duplicates, build the index CONCURRENTLY outside a transaction, then make it the constraint")
            .sql([
                format!("CREATE UNIQUE INDEX CONCURRENTLY {quoted} ON {sql} ({list}){distinct};"),
                LATER.to_owned(),
                format!("ALTER TABLE {sql} ADD CONSTRAINT {quoted} UNIQUE USING INDEX {quoted};"),
            ]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_build_and_on_an_index_that_cannot_be_used() {
        fires("H33", "ALTER TABLE users ADD CONSTRAINT u UNIQUE (email)");
        fires("H33", "CREATE INDEX i ON users (email); ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX i");
        fires("H33", "ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX i");
        silent("H33", "CREATE UNIQUE INDEX i ON users (email); ALTER TABLE users ADD CONSTRAINT u UNIQUE USING INDEX i");
        silent("H33", "CREATE TABLE t (a int); ALTER TABLE t ADD CONSTRAINT u UNIQUE (a)");
    }
}
