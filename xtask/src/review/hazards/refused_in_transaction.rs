//! H63: a statement that PostgreSQL refuses in a transaction block stands in one.

use crate::review::finding::{Class, Severity};
use crate::review::hazard::{Draft, Hazard, Site};
use crate::review::indexes;
use crate::review::set::Transaction;
use crate::sql::TableName;
use crate::sql::action::Action;

pub(super) static HAZARD: Hazard = Hazard {
    id: "H63",
    title: "a statement that refuses a transaction stands in one",
    class: Class::MayFail,
    danger: "CONCURRENTLY, VACUUM, CREATE DATABASE, ALTER SYSTEM and the like fail in a transaction block (25001), and what came before in \
             it is taken back. drizzle-orm runs all pending files in one.",
    decided: None,
    safe: "run it by itself, before the deploy, and let the migration find the result (IF NOT EXISTS)",
    aka: &[
        ("squawk", &["ban-concurrent-index-creation-in-transaction"]),
        ("atlas", &["PG103"]),
        ("bytebase", &["STATEMENT_NON_TRANSACTIONAL"]),
        ("pg-migration-lint", &["PGM003"]),
    ],
    judge,
};

fn judge(site: &mut Site<'_, '_>) {
    if !site.in_block() {
        return;
    }
    let Some((what, table)) = refused(site.action) else { return };
    let why = match site.scene.files[site.at.file].transaction {
        Transaction::Set => "all pending migrations are one transaction".to_owned(),
        Transaction::File => "the program that runs the file opens a transaction".to_owned(),
        Transaction::Message => match site.facts.session.begun {
            Some(line) => format!("line {line} opens a transaction"),
            None => "the file is sent as one message, whose statements are one transaction".to_owned(),
        },
        Transaction::Own => match site.facts.session.begun {
            Some(line) => format!("line {line} opens a transaction"),
            None => "a transaction is open".to_owned(),
        },
    };
    let statement = site.statement.text.clone();
    let mut sql = indexes::beside_the_migration(site, &statement);
    if site.scene.files[site.at.file].transaction == Transaction::Own {
        sql.insert(0, "-- after COMMIT:".to_owned());
    }
    let mut draft = Draft::new(Severity::Error, format!("{what} is refused here: {why}"))
        .remedy("take it out of the transaction: run it by itself, before the deploy")
        .sql(sql);
    if let Some(table) = table {
        draft = draft.on(&table);
    }
    site.find(draft);
}

fn refused(action: &Action) -> Option<(String, Option<TableName>)> {
    let named = |what: &str, table: Option<&TableName>| Some((what.to_owned(), table.cloned()));
    match action {
        Action::CreateIndex(index) if index.concurrently => named("CREATE INDEX CONCURRENTLY", Some(&index.table)),
        Action::DropIndex { concurrently: true, .. } => named("DROP INDEX CONCURRENTLY", None),
        Action::Reindex { concurrently: true, .. } => named("REINDEX CONCURRENTLY", None),
        Action::Reindex { what, .. } if matches!(what.as_str(), "schema" | "database" | "system") => {
            named(&format!("REINDEX {}", what.to_uppercase()), None)
        }
        Action::DetachPartition { concurrently: true, table, .. } => named("DETACH PARTITION CONCURRENTLY", Some(table)),
        Action::Storage { table, kind } => match (kind.as_str(), table) {
            ("vacuum" | "vacuum full", table) => named(&kind.to_uppercase(), table.as_ref()),
            ("cluster", None) => named("CLUSTER of all tables", None),
            _ => None,
        },
        Action::Server { kind } => match kind.as_str() {
            "create database" | "create tablespace" | "alter system" => named(&kind.to_uppercase(), None),
            _ => None,
        },
        Action::DropOther { kind, .. } if matches!(kind.as_str(), "database" | "tablespace") => {
            named(&format!("DROP {}", kind.to_uppercase()), None)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::review::set::{Before, Transaction};
    use crate::review::testing::{fires, found};

    #[test]
    fn fires_in_a_transaction_and_not_outside_of_one() {
        for sql in [
            "CREATE INDEX CONCURRENTLY i ON users (a)",
            "DROP INDEX CONCURRENTLY i",
            "REINDEX TABLE CONCURRENTLY users",
            "VACUUM users",
            "ALTER TABLE events DETACH PARTITION old CONCURRENTLY",
            "ALTER SYSTEM SET work_mem = '1GB'",
            "DROP DATABASE x",
        ] {
            fires("H63", sql);
            let outside = |text: &str| {
                let found = found(text, Transaction::Own, Before::Unknown);
                found.iter().filter(|finding| finding.id == "H63").count()
            };
            assert_eq!(outside(sql), 0, "{sql}");
            assert_eq!(outside(&format!("BEGIN; SELECT 1; COMMIT; {sql}; BEGIN; {sql}; COMMIT")), 1, "{sql}");
        }
    }
}
