//! H34: a primary key is added over the rows that are there.

use super::{add_unique, set_not_null};
use crate::review::catalog::Kind;
use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::weighed::{Behind, LATER, behind, called};
use crate::sql::TableName;
use crate::sql::action::{Action, ConstraintKind};
use crate::sql::names::{quote, quoted_list};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H34",
    title: "a primary key is added over existing rows",
    class: Class::MayFail,
    danger: "The index is built under ACCESS EXCLUSIVE and each column becomes NOT NULL, which reads all rows where it was not; a NULL or a \
             duplicate fails it. USING INDEX spares the build, not the reading for NULL.",
    decided: Some("how many NULLs and duplicates there are, and how large the table is"),
    safe: "make the columns NOT NULL, build a unique index CONCURRENTLY, then ADD PRIMARY KEY USING INDEX",
    aka: &[
        ("squawk", &["adding-serial-primary-key-field"]),
        ("eugene", &["W14"]),
        ("atlas", &["PG104", "PG304"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::AddConstraint { table, kind: ConstraintKind::PrimaryKey, name, columns, using_index, .. } = site.action
    else {
        return;
    };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let name = called(name.as_ref().or(using_index.as_ref()), table, &[], "pkey");
    let facts = site.facts.table(table);
    let other = facts.as_ref().is_some_and(|facts| {
        facts.constraints.values().any(|constraint| constraint.kind == Kind::PrimaryKey)
    });
    if other {
        return refused(site, table, &name, &format!("{table} has one already"));
    }
    let columns = match using_index.as_deref().map(|index| behind(facts.as_deref(), index)) {
        None => columns.clone(),
        Some(Behind::Fits(columns)) => columns,
        Some(Behind::Refused(why)) => return refused(site, table, &name, &why),
        Some(Behind::Unknown) => {
            return site.find(
                Draft::new(Severity::Warning, format!("makes an index of {table} its primary key {name}: rows with NULL fail it"))
                    .lock(table, Lock::AccessExclusive)
                    .by(DecidedBy::NotJudged(format!("the indexes of {table} are not known")))
                    .remedy("look whether the index is valid and unique, and its columns NOT NULL"),
            );
        }
    };
    let key = site.facts.partition_key(table);
    if key.iter().any(|column| !columns.contains(column)) {
        let why = format!("{table} is partitioned by ({}), which must be part of it", key.join(", "));
        return refused(site, table, &name, &why);
    }
    add(site, table, &name, &columns, using_index.is_some());
}

fn refused(site: &mut Site<'_, '_>, table: &TableName, name: &str, why: &str) {
    site.find(
        Draft::new(Severity::Error, format!("primary key {name} of {table} cannot be added: {why}"))
            .lock(table, Lock::AccessExclusive)
            .by(DecidedBy::Static(why.to_owned()))
            .remedy("drop the old one in the same transaction, or make the index fit first"),
    );
}

fn add(site: &mut Site<'_, '_>, table: &TableName, name: &str, columns: &[String], built: bool) {
    let (facts, major) = (site.facts.table(table), site.facts.major);
    let proven = |column: &String| facts.as_ref().is_some_and(|facts| set_not_null::proven(facts, column, major));
    let nullable: Vec<String> = columns.iter().filter(|column| !proven(column)).cloned().collect();
    if built && nullable.is_empty() {
        return;
    }
    let mut rows = Verdict::none("the columns are NOT NULL");
    for column in &nullable {
        rows = rows.or_worse(|| set_not_null::nulls(site, table, column));
    }
    if !built {
        rows = rows.or_worse(|| add_unique::duplicates(site, table, columns, false));
    }
    let work = if built { "all rows are read for NULL" } else { "its index is built" };
    let words = match rows {
        Verdict::Harmful(..) => "there are NULLs or duplicates, so it fails".to_owned(),
        Verdict::Clear(_) => format!("{work} while nobody reads or writes"),
        Verdict::Open(_) => format!("{work} while nobody reads or writes, and a NULL or a duplicate fails it"),
    };
    let weight = site.facts.weight(table);
    let (severity, decided) = rows.with(weight);
    let (sql, quoted) = (table.quoted(), quote(name));
    let mut steps: Vec<String> = Vec::new();
    for column in &nullable {
        let (column, check) = (quote(column), quote(&format!("{}_{column}_present", table.name)));
        steps.push(format!("ALTER TABLE {sql} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID;"));
        steps.push(LATER.to_owned());
        steps.push(format!("ALTER TABLE {sql} VALIDATE CONSTRAINT {check};"));
        steps.push(format!("ALTER TABLE {sql} ALTER COLUMN {column} SET NOT NULL;"));
    }
    if !built {
        steps.push(format!("CREATE UNIQUE INDEX CONCURRENTLY {quoted} ON {sql} ({});", quoted_list(columns)));
        steps.push(LATER.to_owned());
        steps.push(format!("ALTER TABLE {sql} ADD CONSTRAINT {quoted} PRIMARY KEY USING INDEX {quoted};"));
    }
    site.find(
        Draft::new(severity, format!("adds primary key {name} ({}) to {table}: {words}", columns.join(", ")))
            .lock(table, Lock::AccessExclusive)
            .scans(true)
            .by(decided)
            .remedy("make the columns NOT NULL, build the unique index CONCURRENTLY, then make it the primary key")
            .sql(steps),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_build_a_second_key_and_nullable_columns_behind_an_index() {
        fires("H34", "ALTER TABLE users ADD PRIMARY KEY (id)");
        fires("H34", "CREATE UNIQUE INDEX i ON users (id); ALTER TABLE users ADD CONSTRAINT p PRIMARY KEY USING INDEX i");
        silent(
            "H34",
            "ALTER TABLE users ALTER id SET NOT NULL; CREATE UNIQUE INDEX i ON users (id); ALTER TABLE users ADD CONSTRAINT p PRIMARY KEY USING INDEX i",
        );
        silent("H34", "CREATE TABLE t (a int); ALTER TABLE t ADD PRIMARY KEY (a)");
    }
}
