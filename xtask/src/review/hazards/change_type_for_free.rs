//! H51: a change of type that only the catalog sees, or that does where the session's time zone is UTC.

use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::retype::{Cost, Retype};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H51",
    title: "a type change costs nothing, or depends on the time zone",
    class: Class::Advisory,
    danger: "Where both types are stored alike, only the catalog changes: ACCESS EXCLUSIVE for an instant. timestamp and timestamptz are so since 12 \
             in a session at UTC; in any other the table is written anew and each value is shifted by that zone.",
    decided: Some("the current type, and the session's time zone"),
    safe: "SET timezone in the file where timestamp becomes timestamptz or back, or say AT TIME ZONE",
    aka: &[],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Some(retype) = Retype::read(site) else { return };
    let (table, column) = (retype.table, retype.column);
    match retype.cost(site) {
        Cost::Free(why) => {
            // The order of a column that an index holds changes with its collation.
            if retype.collation.is_some() && !retype.indexes(site).is_empty() {
                return;
            }
            let title = format!("changes {table}.{column} {}: only the catalog, {why}", retype.words());
            site.find(
                Draft::new(Severity::Note, title)
                    .lock(table, Lock::AccessExclusive)
                    .remedy("nothing is read or written; a view over the column would make PostgreSQL refuse it"),
            );
        }
        Cost::Zone => {
            let (weight, _) = site.facts.weight(table);
            site.find(
                Draft::new(
                    weight.max(Severity::Warning),
                    format!("changes {table}.{column} {}: values are read in the session's time zone, and outside UTC the table is written anew", retype.words()),
                )
                .lock(table, Lock::AccessExclusive)
                .rewrites(true)
                .by(DecidedBy::NotJudged("the time zone of the session that will run it is not known".to_owned()))
                .remedy("say in which zone the values are meant: SET timezone before it")
                .sql(["SET LOCAL timezone = 'UTC';".to_owned(), format!("{};", site.statement.text)]),
            );
        }
        Cost::Rewrites(_) | Cost::Unknown => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{found, silent};

    #[test]
    fn takes_note_of_what_is_free_and_warns_where_the_time_zone_decides() {
        let severity = |sql: &str| {
            let before = "CREATE TABLE t (b varchar(9), at timestamp);";
            let found = found(sql, Transaction::Set, Before::Files(vec![before.to_owned()]));
            found.iter().filter(|finding| finding.id == "H51").map(|finding| finding.severity).max()
        };
        assert_eq!(severity("ALTER TABLE t ALTER b TYPE text"), Some(Severity::Note));
        assert_eq!(severity("ALTER TABLE t ALTER at TYPE timestamptz"), Some(Severity::Warning));
        assert_eq!(severity("SET TIME ZONE 'UTC'; ALTER TABLE t ALTER at TYPE timestamptz"), Some(Severity::Note));
        assert_eq!(severity("ALTER TABLE t ALTER b TYPE varchar(3)"), None);
        silent("H51", "ALTER TABLE t ALTER b TYPE text");
    }
}
