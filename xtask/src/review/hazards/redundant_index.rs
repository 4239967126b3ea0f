//! H66: an index that another one makes needless, or of many columns.

use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H66",
    title: "an index repeats another, or has many columns",
    class: Class::Advisory,
    danger: "Each index costs every write, space and cache. One whose columns begin another one's finds nothing that the other would not; \
             beyond three columns the last ones seldom decide (PostgreSQL docs, 11.3).",
    decided: None,
    safe: "keep the longer one of two, or the unique one; leave out columns that no query filters by",
    aka: &[("strong_migrations", &["add_index_columns"]), ("pg-migration-lint", &["PGM508"]), ("migrationpilot", &["MP042", "MP100"])],
    judge,
};

/// Beyond so many columns.
const MANY: usize = 3;

fn judge(site: &mut Site<'_, '_>) {
    let Action::CreateIndex(index) = site.action else { return };
    let name = index.name.clone().unwrap_or_default();
    let plain = index.expressions.is_empty() && index.filter.is_none() && !index.columns.is_empty();
    let btree = index.method.as_deref().is_none_or(|method| method == "btree");
    let twin = site.facts.look(&index.table, |table| {
        let mut others = table.indexes.of(index.columns.first()?).filter(|(other, found)| {
            **other != name && found.valid && !found.expressions && found.filter.is_none() && !found.columns.is_empty()
        });
        others.find_map(|(other, found)| {
            let covered = found.columns.starts_with(&index.columns) && (!index.unique || found.columns == index.columns);
            let covers = index.columns.starts_with(&found.columns) && !found.unique;
            if covered && (!index.unique || found.unique) {
                Some(format!("{other} already begins with the columns of the new index on {}", index.table))
            } else if covers {
                Some(format!("the new index on {} begins with the columns of {other}, which it makes needless", index.table))
            } else {
                None
            }
        })
    });
    let many = (!index.unique && index.columns.len() + index.expressions.len() > MANY)
        .then(|| format!("an index of {} columns on {}", index.columns.len() + index.expressions.len(), index.table));
    let Some(title) = twin.flatten().filter(|_| plain && btree).or(many.filter(|_| btree)) else { return };
    site.find(Draft::new(Severity::Note, title).on(&index.table).remedy("keep what queries filter by, once"));
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_what_another_index_begins_with_and_on_many_columns() {
        fires("H66", "CREATE INDEX i ON t (a, b); CREATE INDEX j ON t (a)");
        fires("H66", "CREATE INDEX i ON t (a); CREATE INDEX j ON t (a, b)");
        fires("H66", "CREATE INDEX i ON t (a, b, c, d)");
        silent("H66", "CREATE INDEX i ON t (a, b); CREATE INDEX j ON t (b)");
        silent("H66", "CREATE UNIQUE INDEX i ON t (a); CREATE INDEX j ON t (a, b)");
        silent("H66", "CREATE INDEX i ON t (a); CREATE INDEX j ON t (a) WHERE b");
    }
}
