//! H39: a foreign key whose columns no index leads with.

use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::weighed::called;
use crate::sql::action::Action;
use crate::sql::names::{quote, quoted_list};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H39",
    title: "a foreign key has no index",
    class: Class::Lock,
    danger: "Each DELETE of a parent row, and each UPDATE of its key, reads the whole referring table to find what refers to it; PostgreSQL makes no \
             index for a foreign key by itself.",
    decided: Some("how large the referring table is"),
    safe: "CREATE INDEX CONCURRENTLY over the columns, outside a transaction, before the foreign key",
    aka: &[
        ("eugene", &["E15"]),
        ("pgfence", &["fk-missing-index"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::AddForeignKey { table, name, columns, to, .. } = site.action else { return };
    if columns.is_empty() || site.facts.is_new(table, site.at.file) {
        return;
    }
    let facts = site.facts.table(table);
    let known = facts.as_ref().is_some_and(|facts| facts.known);
    if facts.is_some_and(|facts| facts.index_led_by(columns)) || site.indexes_later(table, columns) {
        return;
    }
    let (severity, mut decided) = site.facts.weight(table);
    if !known {
        decided = DecidedBy::NotJudged(format!("the indexes of {table} are not known"));
    }
    let list = columns.join(", ");
    let name = called(name.as_ref(), table, columns, "fkey");
    let index = quote(&format!("{}_{}_idx", table.name, columns.join("_")));
    site.find(
        Draft::new(
            severity.min(Severity::Warning),
            format!("foreign key {name} has no index over {table} ({list}): each DELETE from {to} reads all of {table}"),
        )
        .on(table)
        .by(decided)
        .remedy("build an index over its columns first, unless nothing is ever deleted from the parent")
        .sql([format!("CREATE INDEX CONCURRENTLY {index} ON {} ({});", table.quoted(), quoted_list(columns))]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_unless_an_index_begins_with_the_columns() {
        fires("H39", "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)");
        fires("H39", "CREATE INDEX i ON a (c, b); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)");
        silent("H39", "CREATE INDEX i ON a (b, c); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)");
        silent("H39", "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id); CREATE INDEX i ON a (b)");
        silent("H39", "CREATE TABLE a (b int); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id)");
    }
}
