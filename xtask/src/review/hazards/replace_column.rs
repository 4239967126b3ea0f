//! H12: a column or a table goes and one like it comes: a rename that leaves the rows behind.

use crate::review::facts::Verdict;
use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::lock::Lock;
use crate::review::replaced;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H12",
    title: "what looks like a rename is a drop",
    class: Class::DataLoss,
    danger: "The new column or table is empty, and what the old one held is gone: a schema that was edited and answered as \"created\" and \
             \"deleted\" where it was a rename. ACCESS EXCLUSIVE, for an instant.",
    decided: Some("how many values or rows the old one holds"),
    safe: "RENAME keeps the values; expand and contract keeps old code running as well",
    aka: &[("atlas", &["renamed_from"]), ("drizzle-kit", &["is column created or renamed from another column?"])],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    match site.action {
        Action::DropColumn { table, column, .. } => {
            if site.facts.is_new(table, site.at.file) {
                return;
            }
            let Some((new, line)) = replaced::column(site, table, column) else { return };
            let rename = format!("ALTER TABLE {} RENAME COLUMN {} TO {};", table.quoted(), quote(column), quote(&new));
            let values = site.facts.values(table, column);
            let title = format!("drops column {table}.{column} with its values, and line {line} adds {new} of the same type: a rename?");
            find(site, values, title, table, rename);
        }
        Action::DropTable { table, .. } => {
            if site.facts.is_new(table, site.at.file) {
                return;
            }
            let Some((new, line)) = replaced::table(site, table) else { return };
            let rename = format!("ALTER TABLE {} RENAME TO {};", table.quoted(), quote(&new.name));
            let rows = site.facts.any(table);
            let title = format!("drops table {table} with its rows, and line {line} makes {new} with the same columns: a rename?");
            find(site, rows, title, table, rename);
        }
        _ => {}
    }
}

fn find(site: &mut Site<'_, '_>, verdict: Verdict, title: String, table: &crate::sql::TableName, rename: String) {
    let severity = if matches!(verdict, Verdict::Harmful(..)) { Severity::Error } else { Severity::Warning };
    site.find(
        Draft::new(severity, title)
            .lock(table, Lock::AccessExclusive)
            .by(verdict.decided())
            .remedy("if it is a rename, write it as one; if not, save what goes and drop it one release later")
            .sql(["-- in place of both statements:".to_owned(), rename]),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::found;

    fn ids(sql: &str) -> Vec<&'static str> {
        let before = Before::Files(vec!["CREATE TABLE t (id int PRIMARY KEY, phone text, n int); CREATE TABLE u (a int, b int)".to_owned()]);
        let found = found(sql, Transaction::Set, before);
        found.iter().map(|finding| finding.id).filter(|id| ["H01", "H02", "H12"].contains(id)).collect()
    }

    #[test]
    fn fires_instead_of_the_drop_where_one_of_its_kind_comes_and_nothing_is_copied() {
        assert_eq!(ids("ALTER TABLE t ADD COLUMN tel text; ALTER TABLE t DROP COLUMN phone"), ["H12"]);
        assert_eq!(ids("ALTER TABLE t DROP COLUMN phone; ALTER TABLE t ADD COLUMN tel text"), ["H12"]);
        assert_eq!(ids("CREATE TABLE w (a int, b int, c int); DROP TABLE u"), ["H12"]);
        assert_eq!(ids("ALTER TABLE t ADD COLUMN m bigint; ALTER TABLE t DROP COLUMN phone"), ["H02"]);
        assert_eq!(ids("ALTER TABLE t ADD COLUMN tel text; UPDATE t SET tel = phone; ALTER TABLE t DROP COLUMN phone"), ["H02"]);
        assert_eq!(ids("CREATE TABLE w (a int); DROP TABLE u"), ["H01"]);
    }
}
