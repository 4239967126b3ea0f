//! H21: a column comes with a default that is computed for each row.

use crate::review::added;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::volatility::Computed;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H21",
    title: "a column is added with a volatile default",
    class: Class::Lock,
    danger: "The default is computed for each row, so the whole table and every index on it are written anew under ACCESS EXCLUSIVE: \
             nobody reads or writes meanwhile, in every version. now() is stable and costs nothing; clock_timestamp(), random() and \
             gen_random_uuid() are volatile.",
    decided: Some("how large the table is, and what pg_proc says of the function"),
    safe: "add the column without a default, set the default, and fill the rows in batches",
    aka: &[
        ("squawk", &["adding-field-with-default"]),
        ("strong_migrations", &["add_column_default", "add_column_default_callable"]),
        ("atlas", &["PG302"]),
        ("bytebase", &["COLUMN_DEFAULT_DISALLOW_VOLATILE"]),
        ("safe-migrate", &["volatile-default"]),
        ("migrationpilot", &["MP003"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Some(column) = added::column(site) else { return };
    let Some(default) = added::default(column) else { return };
    let computed = site.facts.computed(default);
    let (table, name) = (&column.table, quote(&column.column));
    let (weight, decided) = site.facts.weight(table);
    let (severity, decided, words) = match computed {
        Computed::Once => return,
        Computed::Each(function) => (weight, decided, format!("{function} is computed for each row, which writes the table anew")),
        Computed::Unknown(function) => {
            let why = format!("whether {function} is volatile is not known");
            let words = format!("if {function} is volatile, the table is written anew");
            (weight.min(Severity::Warning), DecidedBy::NotJudged(why), words)
        }
    };
    let quoted = table.quoted();
    let mut sql = vec![
        format!("ALTER TABLE {quoted} ADD COLUMN {name} {};", column.data_type),
        format!("ALTER TABLE {quoted} ALTER COLUMN {name} SET DEFAULT {default};"),
        format!("-- then, in batches, outside of the migration: UPDATE {quoted} SET {name} = {default} WHERE {name} IS NULL;"),
    ];
    if column.not_null {
        sql.push(format!("-- a later migration, deployed separately: ALTER TABLE {quoted} ALTER COLUMN {name} SET NOT NULL;"));
    }
    site.find(
        Draft::new(severity, format!("adds column {table}.{} with a default: {words}", column.column))
            .lock(table, Lock::AccessExclusive)
            .rewrites(true)
            .by(decided)
            .remedy("add it without the default, set the default for new rows, fill the old ones in batches")
            .sql(sql),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_volatile_and_unknown_functions_and_not_on_what_is_computed_once() {
        fires("H21", "ALTER TABLE users ADD COLUMN a uuid NOT NULL DEFAULT gen_random_uuid()");
        fires("H21", "ALTER TABLE users ADD COLUMN a timestamptz DEFAULT clock_timestamp()");
        fires("H21", "ALTER TABLE users ADD COLUMN a text DEFAULT my_code()");
        silent("H21", "ALTER TABLE users ADD COLUMN a timestamptz DEFAULT now() NOT NULL, ADD COLUMN b text DEFAULT 'random()'");
        silent("H21", "ALTER TABLE users ADD COLUMN a uuid; ALTER TABLE users ALTER a SET DEFAULT gen_random_uuid()");
        silent("H21", "CREATE TABLE t (a int); ALTER TABLE t ADD COLUMN b uuid DEFAULT gen_random_uuid()");
    }
}
