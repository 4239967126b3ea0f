//! H13: a value of an enum gets another name.

use crate::review::facts::Verdict;
use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::sql::action::Action;
use crate::sql::names::{literal, quote};

pub(super) static HAZARD: Hazard = Hazard {
    id: "H13",
    title: "a value of an enum is renamed",
    class: Class::BreaksCode,
    danger: "Rows show the new label at once, without being written; code that compares with the old one or writes it fails with 22P02, \
             and code that reads does not know the new one. No lock on tables.",
    decided: Some("how many rows hold the value"),
    safe: "add the new value, deploy code that understands both, update the rows in batches, then stop writing the old one",
    aka: &[
        ("strong_migrations", &["rename_enum_value"]),
        ("squawk", &["renaming-object"]),
        ("migrationpilot", &["MP060"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::RenameEnumValue { name, from, to } = site.action else { return };
    let known = site.facts.enumeration(name).unwrap_or_default();
    if known.made.is_some() || known.added.iter().any(|(value, ..)| value == from) {
        return;
    }
    let mut severity = Severity::Warning;
    let mut decided = DecidedBy::Static("no column of the type is known".to_owned());
    let columns = site.facts.columns_of_type(name);
    for (table, column) in &columns {
        let condition = format!("{} = {}", quote(column), literal(from));
        let rows = site.facts.such(table, std::slice::from_ref(column), &condition, &format!("rows of {table} hold it"));
        let harmful = matches!(rows, Verdict::Harmful(..));
        if severity < Severity::Error {
            severity = if harmful { Severity::Error } else { Severity::Warning };
            decided = rows.decided();
        }
    }
    let mut sql = vec![format!("ALTER TYPE {} ADD VALUE {};", name.quoted(), literal(to))];
    sql.extend(columns.iter().map(|(table, column)| {
        format!(
            "-- the code understands both; in a later migration, deployed separately, in batches: UPDATE {} SET {1} = {2} WHERE {1} = {3};",
            table.quoted(),
            quote(column),
            literal(to),
            literal(from)
        )
    }));
    site.find(
        Draft::new(severity, format!("renames value {} of {name} to {}: code that still uses the old one fails", literal(from), literal(to)))
            .by(decided)
            .remedy("add the new value and move to it in steps, or deploy code and migration together and accept the gap")
            .sql(sql),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_value_that_was_there_and_not_on_one_of_the_file_itself() {
        fires("H13", "ALTER TYPE order_status RENAME VALUE 'paid' TO 'settled'");
        silent("H13", "CREATE TYPE c AS ENUM ('a'); ALTER TYPE c RENAME VALUE 'a' TO 'b'");
        silent("H13", "ALTER TYPE c ADD VALUE 'x'; ALTER TYPE c RENAME VALUE 'x' TO 'y'");
    }
}
