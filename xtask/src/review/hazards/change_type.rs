//! H50: a column changes its type, and its table is written anew.

use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::retype::{Cost, Retype};
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H50",
    title: "a type change writes the table anew",
    class: Class::Lock,
    danger: "ALTER COLUMN … TYPE writes each row and builds each index anew under ACCESS EXCLUSIVE, unless both types are stored alike; foreign keys of \
             the column are checked again, and it needs room for a second copy. PostgreSQL refuses it where a view uses the column. Running code \
             may not expect the new type.",
    decided: Some("the current type, and how large the table is"),
    safe: "a new column that a trigger fills, backfilled in batches, then switch the code and drop the old one",
    aka: &[
        ("squawk", &["changing-column-type"]),
        ("strong_migrations", &["change_column", "change_column_constraint"]),
        ("eugene", &["E5", "E10"]),
        ("atlas", &["PG301"]),
        ("pgfence", &["alter-column-type"]),
        ("bytebase", &["COLUMN_DISALLOW_CHANGE_TYPE"]),
        ("safe-migrate", &["type-change-rewrite"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Some(retype) = Retype::read(site) else { return };
    let (table, column) = (retype.table, retype.column);
    if retype.makes_enum_again(site) {
        return;
    }
    let views = site.facts.views_over(table, column);
    if !views.is_empty() {
        let views = views.join(", ");
        return site.find(
            Draft::new(Severity::Error, format!("changes {table}.{column} {}: PostgreSQL refuses it, view {views} uses the column", retype.words()))
                .lock(table, Lock::AccessExclusive)
                .by(DecidedBy::Live(format!("{} (view {views})", site.facts.asked().unwrap_or_default())))
                .remedy("drop the view in the same transaction, change the type, and create the view again"),
        );
    }
    let why = match retype.cost(site) {
        Cost::Free(_) | Cost::Zone => return,
        Cost::Rewrites(why) => Some(why),
        Cost::Unknown => None,
    };
    let (severity, decided) = site.facts.weight(table);
    let (severity, decided, what) = match why {
        Some(why) if why.is_empty() => (severity, decided, "writes the table anew".to_owned()),
        Some(why) => (severity, decided, format!("{why}, which writes the table anew")),
        None => {
            let not_known = DecidedBy::NotJudged(format!("the current type of {table}.{column} is not known"));
            (severity.max(Severity::Warning), not_known, "writes the table anew, unless both types are stored alike".to_owned())
        }
    };
    let mut with = Vec::new();
    let indexes = retype.indexes(site);
    if !indexes.is_empty() {
        with.push(format!("builds {} anew", indexes.join(", ")));
    }
    let keys = retype.foreign_keys(site);
    if !keys.is_empty() {
        with.push(format!("checks {} again", keys.join(", ")));
    }
    let with: String = with.iter().map(|part| format!(", {part}")).collect();
    let (sql, old, new) = (table.quoted(), quote(column), quote(&format!("{column}_new")));
    let value = retype.using.map_or_else(|| format!("{old}::{}", retype.to), str::to_owned);
    site.find(
        Draft::new(
            severity,
            format!("changes {table}.{column} {}: {what}{with}, while nobody reads or writes", retype.words()),
        )
        .lock(table, Lock::AccessExclusive)
        .rewrites(true)
        .scans(true)
        .by(decided)
        .remedy("add a column of the new type, write both, backfill in batches, switch the code, drop the old one")
        .sql([
            format!("ALTER TABLE {sql} ADD COLUMN {new} {};", retype.to),
            "-- the code, or a trigger, writes both; then, in batches:".to_owned(),
            format!("UPDATE {sql} SET {new} = {value} WHERE {new} IS NULL AND {old} IS NOT NULL;"),
            "-- the code reads the new column alone; then, one release later:".to_owned(),
            format!("ALTER TABLE {sql} DROP COLUMN {old};"),
        ]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::finding::Severity;
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_on_a_rewrite_and_an_unknown_type_and_not_on_what_only_the_catalog_sees() {
        let before = "CREATE TABLE t (a integer, b varchar(9), at timestamp);";
        let severity = |sql: &str| {
            let found = found(sql, Transaction::Set, Before::Files(vec![before.to_owned()]));
            found.iter().filter(|finding| finding.id == "H50").map(|finding| finding.severity).max()
        };
        assert_eq!(severity("ALTER TABLE t ALTER a TYPE bigint"), Some(Severity::Warning));
        assert_eq!(severity("SET timezone = 'Europe/Berlin'; ALTER TABLE t ALTER at TYPE timestamptz"), Some(Severity::Warning));
        assert_eq!(severity("SET timezone = 'UTC'; ALTER TABLE t ALTER at TYPE timestamptz"), None);
        assert_eq!(severity("ALTER TABLE t ALTER b TYPE text USING b::text"), None);
        assert_eq!(severity("ALTER TABLE t ALTER b TYPE text USING lower(b)"), Some(Severity::Warning));
        fires("H50", "ALTER TABLE t ALTER a TYPE bigint");
        silent("H50", "CREATE TABLE t (a int); ALTER TABLE t ALTER a TYPE bigint");
    }
}
