//! H82: a table is altered again and again where once would do.

use crate::review::cost::Work;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H82",
    title: "several ALTER TABLE could be one",
    class: Class::Advisory,
    danger: "Each ALTER TABLE that checks or rewrites rows goes through the whole table again; in one statement PostgreSQL does it all in a \
             single pass (docs, ALTER TABLE, Notes).",
    decided: None,
    safe: "one ALTER TABLE with a list",
    aka: &[
        ("eugene", &["W12"]),
        ("pg-migration-lint", &["PGM023"]),
        ("bytebase", &["STATEMENT_MERGE_ALTER_TABLE"]),
        ("migrationpilot", &["MP058"]),
    ],
    judge,
};

/// So many instant ones are worth a word.
const MANY: usize = 3;

fn judge(site: &mut Site<'_, '_>) {
    let Some(cost) = site.costs.first().filter(|_| is_alter(&site.statement.text)) else { return };
    let (table, at) = (cost.table.clone(), site.at);
    let one_pass = match site.action {
        // Each key and index is a pass of its own anyway.
        Action::AddForeignKey { .. } | Action::ValidateConstraint { .. } | Action::AttachPartition { .. } => false,
        // The way back of a type that is made again cannot be part of the way there.
        Action::ChangeType { column, .. } => !site.facts.column(&table, column).is_some_and(|column| column.retyped),
        _ => true,
    };
    let whole = one_pass && matches!(cost.work, Work::Scan | Work::Rewrite);
    if site.facts.is_new(&table, at.file) {
        return;
    }
    let alters = site.facts.session.alters.entry(table.clone()).or_default();
    alters.statements += usize::from(at.action == 0);
    let (count, earlier) = (alters.statements, alters.whole);
    if whole {
        alters.whole = Some(at);
    }
    let again = whole && earlier.is_some_and(|earlier| earlier.statement != at.statement);
    let (severity, decided, title) = if again {
        let (weight, decided) = site.facts.weight(&table);
        (weight.min(Severity::Warning), decided, format!("{table} is gone through once more: one ALTER TABLE would do it in one pass"))
    } else if count == MANY && at.action == 0 {
        let title = format!("{table} is altered {count} times or more: one ALTER TABLE could do it");
        (Severity::Note, DecidedBy::Static(String::new()), title)
    } else {
        return;
    };
    if site.facts.session.first("H82", &table.to_string()) {
        site.find(
            Draft::new(severity, title)
                .on(&table)
                .scans(again)
                .by(decided)
                .remedy("put the changes into one ALTER TABLE, separated by commas"),
        );
    }
}

fn is_alter(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("alter"))
        && words.next().is_some_and(|word| word.eq_ignore_ascii_case("table"))
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_second_pass_and_on_many_and_not_on_what_is_one_pass_or_cannot_be_one() {
        fires("H82", "ALTER TABLE t ALTER COLUMN a SET NOT NULL; ALTER TABLE t ALTER COLUMN b SET NOT NULL");
        fires("H82", "ALTER TABLE t ADD a int; ALTER TABLE t ADD b int; ALTER TABLE t ADD c int");
        silent("H82", "ALTER TABLE t ALTER COLUMN a SET NOT NULL, ALTER COLUMN b SET NOT NULL");
        silent("H82", "ALTER TABLE t ALTER COLUMN a TYPE text; ALTER TABLE t ALTER COLUMN a TYPE mood USING a::mood");
        silent("H82", "ALTER TABLE t ADD a int; ALTER TABLE u ADD b int; ALTER TABLE v ADD c int");
    }
}
