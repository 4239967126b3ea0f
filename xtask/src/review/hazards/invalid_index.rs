//! H64: an invalid index, left by a build that failed, is taken for a good one.

use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::indexes;
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H64",
    title: "an invalid index is taken for a good one",
    class: Class::MayFail,
    danger: "A CREATE INDEX CONCURRENTLY that failed leaves an INVALID index under the name. IF NOT EXISTS then does nothing and succeeds: \
             no query uses the index, and a unique one guards nothing for the rows that were there.",
    decided: Some("whether pg_index holds an invalid index of this name"),
    safe: "drop the invalid index CONCURRENTLY, then build it without IF NOT EXISTS",
    aka: &[("strong_migrations", &["remove_invalid_indexes"]), ("migrationpilot", &["MP070"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let (table, name, words) = match site.action {
        Action::CreateIndex(index) => {
            let Some(name) = &index.name else { return };
            let words = if index.if_not_exists { "does nothing" } else { "fails (42P07)" };
            (&index.table, name, words)
        }
        Action::AddUnique { table, using_index: Some(name), .. }
        | Action::AddConstraint { table, using_index: Some(name), .. } => (table, name, "fails (55000)"),
        _ => return,
    };
    if site.facts.is_new(table, site.at.file) {
        return;
    }
    let valid = site.facts.look(table, |table| table.indexes.get(name).map(|index| index.valid)).flatten();
    let asked = site.facts.asked().is_some();
    let index = table.beside(name);
    match (valid, site.action) {
        (Some(false), _) => {
            let decided = site.facts.decided(&format!("{name} is invalid"), None);
            let sql = repaired(site, &index, matches!(site.action, Action::CreateIndex(_)));
            site.find(
                Draft::new(Severity::Error, format!("{words}: {name} on {table} is the invalid index of a build that failed"))
                    .on(table)
                    .by(decided)
                    .remedy("drop the invalid index, remove what made its build fail, and build it again")
                    .sql(sql),
            );
        }
        (None, Action::CreateIndex(made)) if made.concurrently && made.if_not_exists && !asked => {
            let why = format!(
                "no database was asked; run: SELECT count(*) FROM pg_index WHERE NOT indisvalid AND indexrelid = to_regclass('{}');",
                index.quoted().replace('\'', "''")
            );
            let sql = repaired(site, &index, true);
            site.find(
                Draft::new(Severity::Warning, format!("an invalid index {name} of a build that failed would be taken for a good one"))
                    .on(table)
                    .by(DecidedBy::NotJudged(why))
                    .remedy("leave out IF NOT EXISTS, and drop what an earlier try left")
                    .sql(sql),
            );
        }
        _ => {}
    }
}

fn repaired(site: &Site<'_, '_>, index: &TableName, again: bool) -> Vec<String> {
    let mut sql = indexes::beside_the_migration(site, &format!("DROP INDEX CONCURRENTLY IF EXISTS {}", index.quoted()));
    if again {
        let text = &site.statement.text;
        let at = text.to_ascii_uppercase().find("IF NOT EXISTS ");
        let plain = at.map_or_else(|| text.clone(), |at| format!("{}{}", &text[..at], &text[at + 14..]));
        sql.push(format!("{plain};"));
    }
    sql
}

#[cfg(test)]
mod tests {
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found, silent};

    #[test]
    fn fires_where_a_failed_build_may_have_left_the_name_and_not_where_a_valid_index_has_it() {
        fires("H64", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (a)");
        silent("H64", "CREATE INDEX CONCURRENTLY i ON users (a)");
        let before = Before::Files(vec!["CREATE TABLE users (a int); CREATE INDEX i ON users (a)".to_owned()]);
        let found = found("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON users (a)", Transaction::Own, before);
        assert!(!found.iter().any(|finding| finding.id == "H64"), "{found:#?}");
    }
}
