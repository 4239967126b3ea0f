//! H37: a new rule refuses what running code still writes.

use crate::review::condition;
use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::weighed::called;
use crate::sql::TableName;
use crate::sql::action::{Action, ConstraintKind};
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H37",
    title: "a new rule refuses what running code writes",
    class: Class::BreaksCode,
    danger: "From commit on, each INSERT and UPDATE must satisfy a new CHECK, UNIQUE or NOT NULL, NOT VALID or not: code that was deployed before \
             fails where it writes otherwise, and so does any UPDATE of an old row that violates a NOT VALID CHECK.",
    decided: Some("how many rows violate it already"),
    safe: "keep the rule in the code first, deploy it everywhere, correct the rows, and add the constraint one release later",
    aka: &[("squawk", &["ban-new-write-restriction"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::AddConstraint { table, kind: ConstraintKind::Check, name, expression: Some(expression), not_valid, .. }
            if !site.facts.is_new(table, site.at.file) =>
        {
            let name = called(name.as_ref(), table, &[], "check");
            check(site, table, &name, expression, *not_valid);
        }
        Action::AddUnique { table, name, columns, using_index, .. } if !site.facts.is_new(table, site.at.file) => {
            let name = called(name.as_ref().or(using_index.as_ref()), table, columns, "key");
            unique(site, table, &name, columns, using_index.is_some());
        }
        _ => {}
    }
}

fn check(site: &mut Site<'_, '_>, table: &TableName, name: &str, expression: &str, not_valid: bool) {
    let facts = site.facts.table(table).unwrap_or_default();
    let refused = condition::columns(expression, &facts).into_iter().find(|column| {
        let default = facts.columns.get(column).and_then(|column| column.default.as_deref());
        default.and_then(condition::constant).is_some_and(|value| condition::refuses(expression, column, &value))
    });
    if let Some(column) = refused {
        return site.find(
            Draft::new(
                Severity::Warning,
                format!("CHECK {name} of {table} refuses the default of {column}: an INSERT that leaves it out fails"),
            )
            .on(table)
            .by(DecidedBy::Static(format!("the default of {table}.{column} is outside")))
            .remedy("set a default that passes first, and deploy code that writes nothing else")
            .sql([format!("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT …;", table.quoted(), quote(&column))]),
        );
    }
    if !not_valid {
        return;
    }
    let rows = site.facts.violations(table, expression);
    let (severity, words) = match rows {
        Verdict::Harmful(..) => (Severity::Warning, "rows violate it, and any UPDATE of one of them fails from now on"),
        Verdict::Clear(_) => (Severity::Note, "each write must satisfy it from now on"),
        Verdict::Open(_) => {
            (Severity::Note, "each write must satisfy it from now on, and so must any row that is updated")
        }
    };
    site.find(
        Draft::new(severity, format!("CHECK {name} of {table}: {words}"))
            .on(table)
            .by(rows.decided())
            .remedy("deploy code that keeps the rule first, and correct the rows"),
    );
}

fn unique(site: &mut Site<'_, '_>, table: &TableName, name: &str, columns: &[String], using_index: bool) {
    let facts = site.facts.table(table).unwrap_or_default();
    let constant = |column: &String| {
        let default = facts.columns.get(column).and_then(|column| column.default.as_deref());
        default.is_some_and(|default| condition::constant(default).is_some())
    };
    // A unique index has refused duplicates all along.
    if using_index || columns.is_empty() || !columns.iter().all(constant) {
        return;
    }
    let list = columns.join(", ");
    site.find(
        Draft::new(
            Severity::Warning,
            format!("UNIQUE {name} of {table}: {list} has a constant default, so the second INSERT that leaves it out fails"),
        )
        .on(table)
        .by(DecidedBy::Static("the default is the same for each row".to_owned()))
        .remedy("drop the default, or make it differ from row to row, before it must be unique")
        .sql(columns.iter().map(|column| {
            format!("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT;", table.quoted(), quote(column))
        })),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{found, silent};

    #[test]
    fn warns_where_the_default_itself_is_refused_and_else_takes_note() {
        let before = || Before::Files(vec!["CREATE TABLE t (id int, role text DEFAULT 'member')".to_owned()]);
        let severity = |sql: &str| {
            let found = found(sql, Transaction::Set, before());
            found.iter().filter(|finding| finding.id == "H37").map(|finding| finding.severity).max()
        };
        assert_eq!(severity("ALTER TABLE t ADD CHECK (role IN ('guest'))"), Some(Severity::Warning));
        assert_eq!(severity("ALTER TABLE t ADD CHECK (role IN ('member')) NOT VALID"), Some(Severity::Note));
        assert_eq!(severity("ALTER TABLE t ADD UNIQUE (role)"), Some(Severity::Warning));
        assert_eq!(severity("ALTER TABLE t ADD UNIQUE (id, role)"), None);
        silent("H37", "CREATE TABLE t (role text DEFAULT 'a'); ALTER TABLE t ADD UNIQUE (role)");
    }
}
