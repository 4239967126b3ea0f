//! Indexes, compared and spelled: which one does the work of another, and a CREATE INDEX as it is written for another situation.

use super::catalog::{Index, Table};
use super::facts::Facts;
use super::hazard::Site;
use super::set::Transaction;
use crate::sql::action::CreateIndex;

/// Another index that finds the same rows: a valid one, of all rows, that begins with these columns.
#[must_use]
pub fn stands_in<'t>(table: &'t Table, name: &str, columns: &[String]) -> Option<&'t str> {
    let whole = |index: &Index| index.valid && index.filter.is_none() && index.columns.starts_with(columns);
    let mut others = table.indexes.of(columns.first()?).filter(|(other, _)| *other != name);
    others.find(|(_, index)| whole(index)).map(|(name, _)| name.as_str())
}

/// A unique index that already keeps these columns apart.
#[must_use]
pub fn keeps_apart<'t>(table: &'t Table, name: &str, columns: &[String]) -> Option<&'t str> {
    let sure = |index: &Index| {
        index.unique
            && index.valid
            && !index.expressions
            && index.filter.is_none()
            && !index.columns.is_empty()
            && index.columns.iter().all(|column| {
                columns.contains(column) && table.columns.get(column).is_none_or(|column| !column.retyped)
            })
    };
    let over = columns.iter().flat_map(|column| table.indexes.of(column));
    over.filter(|(other, index)| *other != name && sure(index)).map(|(name, _)| name.as_str()).min()
}

/// Whether the statement finds a valid index under its name and does nothing.
pub fn is_there(index: &CreateIndex, facts: &mut Facts<'_>) -> bool {
    let Some(name) = index.name.as_ref().filter(|_| index.if_not_exists) else { return false };
    let valid = facts.look(&index.table, |table| table.indexes.get(name).is_some_and(|index| index.valid));
    valid.unwrap_or(false)
}

/// Columns whose names occur in an expression.
#[must_use]
pub fn mentioned(table: &Table, text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    table.columns.keys().filter(|column| words.iter().any(|word| word.eq_ignore_ascii_case(column))).cloned().collect()
}

/// The statement with CONCURRENTLY.
#[must_use]
pub fn concurrently(text: &str) -> String {
    after_index(text, "CONCURRENTLY")
}

/// The statement with IF NOT EXISTS.
#[must_use]
pub fn if_not_exists(text: &str) -> String {
    if text.to_uppercase().contains("IF NOT EXISTS") { text.to_owned() } else { after_index(text, "IF NOT EXISTS") }
}

fn after_index(text: &str, words: &str) -> String {
    match text.to_ascii_uppercase().find("INDEX") {
        Some(at) => format!("{} {words}{}", &text[..at + 5], &text[at + 5..]),
        None => text.to_owned(),
    }
}

/// How a statement that refuses a transaction block comes to run beside migrations that are one.
#[must_use]
pub fn beside_the_migration(site: &Site<'_, '_>, statement: &str) -> Vec<String> {
    if site.scene.files[site.at.file].transaction == Transaction::Own {
        return vec![format!("{statement};")];
    }
    vec!["-- before the deploy, with psql, in no transaction:".to_owned(), format!("{statement};")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_spelled_for_another_situation() {
        assert_eq!(
            concurrently("CREATE UNIQUE INDEX \"a\" ON t (b)"),
            "CREATE UNIQUE INDEX CONCURRENTLY \"a\" ON t (b)"
        );
        assert_eq!(if_not_exists("create index a on t (b)"), "create index IF NOT EXISTS a on t (b)");
    }
}
