//! H26: a column of type json.

use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::types;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H26",
    title: "a json column is added",
    class: Class::Advisory,
    danger: "json has no equality: SELECT DISTINCT, GROUP BY and UNION over its table's columns fail with 42883. jsonb has one, and can be \
             indexed.",
    decided: None,
    safe: "jsonb, unless the exact text must be kept",
    aka: &[
        ("strong_migrations", &["add_column_json"]),
        ("eugene", &["E3"]),
        ("pgfence", &["prefer-jsonb"]),
        ("pgsafe", &["prefer-jsonb"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::AddColumn(added) = site.action else { return };
    let data_type = types::parse(&added.data_type);
    if data_type.base != "json" {
        return;
    }
    let array = if data_type.array { "[]" } else { "" };
    let (table, name) = (&added.table, quote(&added.column));
    site.find(
        Draft::new(Severity::Note, format!("adds column {table}.{} of type json, which has no equality", added.column))
            .on(table)
            .remedy("jsonb, unless the exact text must be kept")
            .sql([format!("ALTER TABLE {} ADD COLUMN {name} jsonb{array};", table.quoted())]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_json_and_not_on_jsonb() {
        fires("H26", "ALTER TABLE users ADD COLUMN a json");
        silent("H26", "ALTER TABLE users ADD COLUMN a jsonb DEFAULT '{}'::json");
    }
}
