//! H60: an index is built while writers wait.

use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::indexes;
use crate::review::lock::Lock;
use crate::review::set::Transaction;
use crate::sql::action::{Action, CreateIndex};
use crate::sql::names::quote;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H60",
    title: "an index is built while writers wait",
    class: Class::Lock,
    danger: "SHARE on the table until the index is built and the transaction ends: reads go on, writes wait. CONCURRENTLY takes about a \
             quarter longer and lets writers go on; it is refused in a transaction.",
    decided: Some("how large the table is"),
    safe: "CREATE INDEX CONCURRENTLY in no transaction before the deploy, and CREATE INDEX IF NOT EXISTS in the migration",
    aka: &[
        ("squawk", &["require-concurrent-index-creation"]),
        ("strong_migrations", &["add_index"]),
        ("eugene", &["E6"]),
        ("atlas", &["PG101"]),
        ("pg-schema-diff", &["ACQUIRES_SHARE_LOCK", "INDEX_BUILD"]),
        ("pg-migration-lint", &["PGM001"]),
        ("migrationpilot", &["MP001"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    let Action::CreateIndex(index) = site.action else { return };
    if index.concurrently || site.facts.is_new(&index.table, site.at.file) || indexes::is_there(index, site.facts) {
        return;
    }
    let partitioned = site.facts.look(&index.table, |table| table.partitioned).unwrap_or(false);
    if partitioned && index.only {
        return;
    }
    let (severity, decided) = site.facts.weight(&index.table);
    let table = &index.table;
    let title = match severity {
        Severity::Note => format!("builds an index on {table}: writes wait for the moment that it takes"),
        _ => format!("builds an index on {table} while writes to it wait"),
    };
    let sql = safe(site, index, partitioned);
    site.find(
        Draft::new(severity, title)
            .lock(table, Lock::Share)
            .scans(true)
            .by(decided)
            .remedy("build it CONCURRENTLY, in no transaction; where all migrations are one transaction, before the deploy")
            .sql(sql),
    );
}

fn safe(site: &Site<'_, '_>, index: &CreateIndex, partitioned: bool) -> Vec<String> {
    let text = &site.statement.text;
    if partitioned {
        let name = index.name.clone().unwrap_or_else(|| "<name>".to_owned());
        return vec![
            format!("CREATE INDEX {} ON ONLY {} (…);", quote(&name), index.table.quoted()),
            "-- for each partition, in no transaction: CREATE INDEX CONCURRENTLY <its name> ON <partition> (…);".to_owned(),
            format!("ALTER INDEX {} ATTACH PARTITION <its name>;", index.table.beside(&name).quoted()),
        ];
    }
    let mut sql = indexes::beside_the_migration(site, &indexes::concurrently(text));
    if site.scene.files[site.at.file].transaction != Transaction::Own && index.name.is_some() {
        sql.push("-- the migration then finds it there:".to_owned());
        sql.push(format!("{};", indexes::if_not_exists(text)));
    }
    sql
}

#[cfg(test)]
mod tests {
    use crate::review::testing::{fires, silent};

    #[test]
    fn fires_on_a_table_that_was_there_and_not_on_one_of_the_file_itself_nor_concurrently() {
        fires("H60", "CREATE INDEX i ON users (name)");
        fires("H60", "CREATE UNIQUE INDEX i ON users USING btree (name)");
        silent("H60", "CREATE INDEX CONCURRENTLY i ON users (name)");
        silent("H60", "CREATE TABLE t (a int); CREATE INDEX i ON t (a)");
    }
}
