//! Which program runs a file, told by how its folder is laid out, and what that means: order, transaction, the way back.
//!
//! Invariant: a statement counts as outside of a transaction only where the program is known to run it so. Several statements in one
//! message are one transaction of the server's (PostgreSQL docs, 55.2.2.1), which refuses what no transaction may hold.

use std::path::{Path, PathBuf};

use super::marks;
use crate::review::scan;
use crate::review::set::Transaction;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runner {
    Drizzle,
    Prisma,
    Diesel,
    Flyway,
    Goose,
    Dbmate,
    Sqlx,
    GolangMigrate,
    /// No program that is known: as `psql -f` does it.
    Psql,
}

/// What files of one folder are put in order by: numbers first, then names.
type Key = (Vec<u128>, String);

impl Runner {
    /// The program that a file is written for.
    #[must_use]
    pub fn of(path: &Path, text: &str) -> Runner {
        let name = name_of(path);
        let folder = path.parent().unwrap_or(path);
        if folder.join("meta/_journal.json").is_file() {
            return Runner::Drizzle;
        }
        if name == "migration.sql" && is_timed(folder) {
            return if folder.join("snapshot.json").is_file() { Runner::Drizzle } else { Runner::Prisma };
        }
        if matches!(name.as_str(), "up.sql" | "down.sql") && name_of(folder).starts_with(|c: char| c.is_ascii_digit()) {
            let prisma = name == "down.sql" && folder.join("migration.sql").is_file();
            return if prisma { Runner::Prisma } else { Runner::Diesel };
        }
        if marks::is_goose(text) {
            return Runner::Goose;
        }
        if marks::is_dbmate(text) {
            return Runner::Dbmate;
        }
        if flyway(&name).is_some() {
            return Runner::Flyway;
        }
        let numbered = name.split_once('_').is_some_and(|(number, _)| is_number(number));
        let two_ways = name.ends_with(".up.sql") || name.ends_with(".down.sql");
        match numbered && (two_ways || name_of(folder) == "migrations") && uses_sqlx(path) {
            true => Runner::Sqlx,
            false if numbered && two_ways => Runner::GolangMigrate,
            false => Runner::Psql,
        }
    }

    /// The folder that holds all migrations of this file's history.
    #[must_use]
    pub fn home(self, path: &Path) -> PathBuf {
        let in_a_folder_each = match self {
            Runner::Prisma | Runner::Diesel => true,
            Runner::Drizzle => name_of(path) == "migration.sql",
            _ => false,
        };
        path.ancestors().nth(if in_a_folder_each { 2 } else { 1 }).unwrap_or(path).to_owned()
    }

    /// In which transaction a file runs, whose text is as this program reads it.
    #[must_use]
    pub fn transaction(self, path: &Path, whole: &str, read: &str) -> Transaction {
        match self {
            Runner::Drizzle => Transaction::Set,
            // Since 7.4 it sends the statements of a file with such an index one by one; an index to drop it cannot read
            // (prisma-engines, pull requests 5767, 5799 and 5847).
            Runner::Prisma if concurrently(read) && since_7_4(path) => Transaction::Own,
            Runner::Prisma | Runner::GolangMigrate => in_one_message(read),
            Runner::Diesel if diesel_outside(path) => in_one_message(read),
            Runner::Dbmate if marks::dbmate_outside(whole) => in_one_message(read),
            // Its first bytes, and nothing else, say so (sqlx 0.9, sqlx-core/src/migrate/source.rs).
            Runner::Sqlx if whole.starts_with("-- no-transaction") => in_one_message(read),
            Runner::Goose if marks::goose_outside(whole) => Transaction::Own,
            Runner::Flyway if flyway_outside(path, read) => Transaction::Own,
            Runner::Diesel | Runner::Dbmate | Runner::Sqlx | Runner::Goose | Runner::Flyway => Transaction::File,
            Runner::Psql => Transaction::Own,
        }
    }

    /// A file's place among those of its folder.
    #[must_use]
    pub fn key(self, path: &Path) -> Key {
        let name = match self {
            Runner::Drizzle | Runner::Prisma | Runner::Diesel => path.parent().map(name_of).unwrap_or_default(),
            _ => name_of(path),
        };
        let numbers = match self {
            Runner::Flyway => flyway(&name).unwrap_or_default(),
            Runner::Goose | Runner::Sqlx | Runner::GolangMigrate => {
                vec![number(name.split('_').next().unwrap_or_default())]
            }
            // By name, as the shell lists them.
            Runner::Drizzle | Runner::Prisma | Runner::Diesel | Runner::Dbmate | Runner::Psql => Vec::new(),
        };
        (numbers, name)
    }

    /// `drizzle-orm: all pending files in one transaction`
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Runner::Drizzle => "drizzle-orm: all pending files in one transaction",
            Runner::Prisma => "Prisma: each file in one message to the server",
            Runner::Diesel => "Diesel: each file in a transaction",
            Runner::Flyway => "Flyway: each file in a transaction, where its statements can be in one",
            Runner::Goose => "goose: each file in a transaction, unless it says `NO TRANSACTION`",
            Runner::Dbmate => "dbmate: each file in a transaction, unless it says `transaction:false`",
            Runner::Sqlx => "sqlx: each file in a transaction, unless it begins with `-- no-transaction`",
            Runner::GolangMigrate => "golang-migrate: each file in one message to the server",
            Runner::Psql => "psql: no transaction but the file's own",
        }
    }
}

/// Whether a file takes a change back.
#[must_use]
pub(super) fn is_down(path: &Path) -> bool {
    let name = name_of(path);
    let undone = name.starts_with('U') && flyway(&name).is_some();
    name == "down.sql" || name.ends_with(".down.sql") || undone
}

pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// More than one statement is a transaction of its own.
fn in_one_message(text: &str) -> Transaction {
    let alone = scan::statements(text, &scan::pieces(text)).len() <= 1;
    if alone { Transaction::Own } else { Transaction::Message }
}

/// `20260101120000_name`
fn is_timed(folder: &Path) -> bool {
    name_of(folder).get(..14).is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn number(text: &str) -> u128 {
    text.parse().unwrap_or(u128::MAX)
}

/// The version in `V1.2_3__name.sql`; what is repeated (`R__name.sql`) comes last.
fn flyway(name: &str) -> Option<Vec<u128>> {
    let (version, _) = name.strip_suffix(".sql")?.split_once("__")?;
    if version == "R" {
        return Some(vec![u128::MAX]);
    }
    let parts: Vec<&str> = version.strip_prefix(['V', 'U', 'B'])?.split(['.', '_']).collect();
    parts.iter().all(|part| is_number(part)).then(|| parts.into_iter().map(number).collect())
}

/// Whether Flyway runs a file outside of a transaction: it is told to, or each statement is one that it knows to need that
/// (flyway-database-postgresql, `PostgreSQLParser`). One that mixes them it refuses.
fn flyway_outside(path: &Path, text: &str) -> bool {
    let settings = std::fs::read_to_string(path.with_extension("sql.conf")).unwrap_or_default();
    let told = settings.lines().filter_map(|line| line.split_once('='));
    if let Some((_, value)) = told.into_iter().find(|(name, _)| name.trim() == "executeInTransaction") {
        return value.trim() == "false";
    }
    let statements = scan::statements(text, &scan::pieces(text));
    let outside = |words: &str| {
        let begins = |text: &str| words.starts_with(text);
        let kinds = ["DATABASE", "TABLESPACE", "SUBSCRIPTION", "INDEX CONCURRENTLY", "UNIQUE INDEX CONCURRENTLY"];
        let made = words.strip_prefix("CREATE ").or_else(|| words.strip_prefix("DROP "));
        let again = words.strip_prefix("REINDEX ").map(|rest| rest.strip_prefix("VERBOSE ").unwrap_or(rest));
        made.is_some_and(|rest| kinds.iter().any(|kind| rest.starts_with(kind)))
            || again.is_some_and(|rest| ["SCHEMA", "DATABASE", "SYSTEM"].iter().any(|kind| rest.starts_with(kind)))
            || ["ALTER SYSTEM", "VACUUM", "DISCARD ALL"].into_iter().any(begins)
    };
    !statements.is_empty() && statements.into_iter().all(|span| outside(&scan::normalised(&text[span]).to_uppercase()))
}

/// `run_in_transaction = false` in the `metadata.toml` beside it.
fn diesel_outside(path: &Path) -> bool {
    let text = std::fs::read_to_string(path.with_file_name("metadata.toml")).unwrap_or_default();
    let said: toml::Table = text.parse().unwrap_or_default();
    said.get("run_in_transaction").and_then(toml::Value::as_bool) == Some(false)
}

fn uses_sqlx(path: &Path) -> bool {
    let manifests = path.ancestors().skip(1).map(|folder| folder.join("Cargo.toml"));
    manifests.into_iter().any(|manifest| std::fs::read_to_string(manifest).is_ok_and(|text| text.contains("sqlx")))
}

fn concurrently(text: &str) -> bool {
    let statements = scan::statements(text, &scan::pieces(text));
    let said: Vec<String> = statements.into_iter().map(|span| scan::normalised(&text[span]).to_uppercase()).collect();
    let made = |words: &String| words.starts_with("CREATE") && words.contains("INDEX CONCURRENTLY");
    said.iter().any(made) && !said.iter().any(|words| words.starts_with("DROP INDEX CONCURRENTLY"))
}

/// The Prisma that is installed above a file.
fn since_7_4(path: &Path) -> bool {
    let manifests = path.ancestors().map(|folder| folder.join("node_modules/prisma/package.json"));
    let Some(text) = manifests.into_iter().find_map(|path| std::fs::read_to_string(path).ok()) else { return false };
    let package: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let mut numbers = package["version"].as_str().unwrap_or_default().split('.').map_while(|part| part.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (7, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_the_order_of_their_program() {
        let sorted = |runner: Runner, names: &[&str]| {
            let mut names: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
            names.sort_by_key(|path| runner.key(path));
            names.iter().map(|path| name_of(path)).collect::<Vec<_>>().join(" ")
        };
        let flyway = ["R__views.sql", "V10__b.sql", "V2.1__d.sql", "V2__c.sql", "V2_0_9__e.sql"];
        assert_eq!(sorted(Runner::Flyway, &flyway), "V2__c.sql V2_0_9__e.sql V2.1__d.sql V10__b.sql R__views.sql");
        assert_eq!(sorted(Runner::Goose, &["10_a.sql", "9_b.sql"]), "9_b.sql 10_a.sql");
        assert_eq!(sorted(Runner::Dbmate, &["9_b.sql", "10_a.sql"]), "10_a.sql 9_b.sql");
    }

    #[test]
    fn flyway_leaves_the_transaction_where_every_statement_must_and_where_it_is_told_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("V1__a.sql");
        let transaction = |sql: &str| Runner::Flyway.transaction(&path, sql, sql);
        let index = "CREATE INDEX concurrently a ON b (c); -- why\nDROP INDEX CONCURRENTLY d;";
        assert_eq!(transaction(index), Transaction::Own);
        assert_eq!(transaction(&format!("{index} ALTER TABLE t ADD x int;")), Transaction::File);
        assert_eq!(transaction("SELECT 1;"), Transaction::File);
        std::fs::write(folder.path().join("V1__a.sql.conf"), "executeInTransaction = false\n").unwrap();
        assert_eq!(transaction("SELECT 1;"), Transaction::Own);
    }

    #[test]
    fn what_is_sent_as_one_message_is_a_transaction_once_it_holds_two_statements() {
        let (one, two) = ("-- a; b\nVACUUM 't;';", "SET x = 1; VACUUM t;");
        for runner in [Runner::Prisma, Runner::GolangMigrate] {
            assert_eq!(runner.transaction(Path::new("/x/1_a.up.sql"), one, one), Transaction::Own);
            assert_eq!(runner.transaction(Path::new("/x/1_a.up.sql"), two, two), Transaction::Message);
        }
        let told = format!("-- no-transaction\n{one}");
        assert_eq!(Runner::Sqlx.transaction(Path::new("/x"), one, one), Transaction::File);
        assert_eq!(Runner::Sqlx.transaction(Path::new("/x"), &told, &told), Transaction::Own);
    }
}
