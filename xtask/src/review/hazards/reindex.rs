//! H65: indexes are built anew while writers wait, or in a way that the server refuses or does wrong.

use crate::review::finding::{Class, DecidedBy, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::indexes;
use crate::review::lock::Lock;
use crate::sql::TableName;
use crate::sql::action::Action;
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H65",
    title: "REINDEX keeps writers waiting, or an index cannot be built CONCURRENTLY",
    class: Class::Lock,
    danger: "REINDEX: SHARE on the table and ACCESS EXCLUSIVE on each index, so that writes wait, and queries that would use the index. \
             CONCURRENTLY exists since 12; a partitioned table refuses CREATE and DROP INDEX CONCURRENTLY. In 14.0 to 14.3 both kinds of \
             concurrent build may leave rows out of the index (14.4 release notes).",
    decided: Some("how large the table is, and the server's version"),
    safe: "REINDEX … CONCURRENTLY in no transaction; for a partitioned table one partition after the other",
    aka: &[
        ("squawk", &["require-concurrent-reindex"]),
        ("strong_migrations", &["add_index_corruption"]),
        ("pg-migration-lint", &["PGM022"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let concurrently = match site.action {
        Action::Reindex { what, name, concurrently: false } => return waits(site, what, name.as_ref()),
        Action::Reindex { .. } => {
            if site.facts.major.is_some_and(|major| major < 12) {
                let title = "REINDEX CONCURRENTLY is not known to this server: it came with PostgreSQL 12";
                return site.find(Draft::new(Severity::Error, title));
            }
            true
        }
        Action::CreateIndex(index) if index.concurrently => {
            partitioned(site, &index.table, index.name.as_deref());
            true
        }
        Action::DropIndex { name, concurrently: true, .. } => {
            if let Some(table) = indexes::table_of(name, site.facts) {
                partitioned(site, &table, Some(&name.name));
            }
            false
        }
        _ => false,
    };
    if concurrently && site.facts.major == Some(14) {
        corrupts(site);
    }
}

fn waits(site: &mut Site<'_, '_>, what: &str, name: Option<&TableName>) {
    let table = match (what, name) {
        ("table", Some(name)) => Some(name.clone()),
        ("index", Some(name)) => indexes::table_of(name, site.facts),
        _ => None,
    };
    if table.as_ref().is_some_and(|table| site.facts.is_new(table, site.at.file)) {
        return;
    }
    let (severity, decided) = match &table {
        Some(table) => site.facts.weight(table),
        None => (Severity::Warning, DecidedBy::NotJudged("how large the tables are is not known".to_owned())),
    };
    let named = name.map(|name| format!(" {name}")).unwrap_or_default();
    let target = name.map(|name| if matches!(what, "table" | "index") { name.quoted() } else { quote(&name.name) });
    let statement =
        format!("REINDEX {} CONCURRENTLY {}", what.to_uppercase(), target.unwrap_or_default()).trim_end().to_owned();
    // The system catalogs cannot be rebuilt CONCURRENTLY.
    let sql = (what != "system").then(|| indexes::beside_the_migration(site, &statement));
    let mut draft = Draft::new(severity, format!("REINDEX of {what}{named} keeps writes waiting until each index is built"))
        .scans(true)
        .by(decided)
        .remedy("REINDEX CONCURRENTLY, in no transaction")
        .sql(sql.into_iter().flatten());
    if let Some(table) = &table {
        draft = draft.lock(table, Lock::Share);
    }
    site.find(draft);
}

fn partitioned(site: &mut Site<'_, '_>, table: &TableName, index: Option<&str>) {
    if !site.facts.look(table, |table| table.partitioned).unwrap_or(false) {
        return;
    }
    let index = index.unwrap_or("<name>");
    let title = format!("{table} is partitioned: CONCURRENTLY is refused for all partitions at once (0A000)");
    site.find(
        Draft::new(Severity::Error, title)
            .on(table)
            .remedy("an index ON ONLY the parent, one CONCURRENTLY on each partition, each attached to it")
            .sql([
                format!("CREATE INDEX {} ON ONLY {} (…);", quote(index), table.quoted()),
                "-- for each partition, in no transaction: CREATE INDEX CONCURRENTLY <its name> ON <partition> (…);".to_owned(),
                format!("ALTER INDEX {} ATTACH PARTITION <its name>;", table.beside(index).quoted()),
            ]),
    );
}

fn corrupts(site: &mut Site<'_, '_>) {
    let sql = "select current_setting('server_version_num')::int";
    let answer = site.facts.live.as_mut().and_then(|live| live.rows(sql, &[]));
    let number: Option<i32> = answer.as_ref().and_then(|rows| rows.first()).map(|row| row.get(0));
    let (severity, decided) = match number {
        Some(140_004..) => return,
        Some(number) => {
            let words = format!("server version {}.{}", number / 10_000, number % 10_000);
            (Severity::Error, site.facts.decided(&words, None))
        }
        None => (Severity::Note, DecidedBy::NotJudged("the server's minor version is not known".to_owned())),
    };
    site.find(
        Draft::new(severity, "PostgreSQL 14.0 to 14.3 leave rows out of an index that is built CONCURRENTLY")
            .by(decided)
            .remedy("update the server to 14.4 or later first"),
    );
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_where_writers_wait_or_the_server_refuses() {
        fires("H65", "REINDEX TABLE users");
        fires("H65", "REINDEX DATABASE app");
        fires("H65", "REINDEX INDEX users_email_idx");
        fires("H65", "CREATE TABLE e (a int) PARTITION BY RANGE (a); CREATE INDEX CONCURRENTLY i ON e (a)");
        silent("H65", "REINDEX TABLE CONCURRENTLY users");
        silent("H65", "CREATE TABLE t (a int); REINDEX TABLE t");
        silent("H65", "CREATE INDEX CONCURRENTLY i ON users (a)");
    }
}
