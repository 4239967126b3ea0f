//! What a change is, read off files that are there already: edited schema files, or a migration with its snapshots.
//!
//! Invariant: nothing is guessed. A rename is one where the SQL says RENAME; what the text of custom SQL does not tell is asked.

use anyhow::{Context, Result};

use super::change::{Change, Origin, refuse_unbuilt};
use super::receipt;
use super::world::World;
use crate::drizzle::{Config, Entry, History, Snapshot, diff, migrate, schema};
use crate::failure::{Failure, Kind};
use crate::process::Log;
use crate::repo::git;
use crate::sql::statements::{self, Action, Parsed};
use crate::sql::{Operation, effects, intent};

/// What there is to do in a work tree.
#[derive(Debug)]
pub enum Found {
    Change(Box<Change>),
    /// The schema files say what the newest migration says, and this one is not committed, but proven.
    Proven(String),
    Nothing,
}

/// Errors: a column that went while another came may be a rename, which only a person can say; SQL that cannot be read.
pub fn infer(world: &World<'_>) -> Result<Found> {
    let config = world.config()?;
    let history = History::load(&config.out)?;
    let new = new_since(world, &history, "HEAD")?;
    let entry = match new.as_slice() {
        [] => return edited(world, config, &history),
        [entry] => entry,
        _ => {
            let tags = new.iter().map(|entry| entry.tag.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Failure::step(format!("{} migrations are not committed, and a run carries one: {tags}", new.len()))
                .hint("keep the first, take the others away (.sql, snapshot, journal entry): they are generated anew after it")
                .hint("or commit each with its schema, then: cargo xtask db-change adopt")
                .into());
        }
    };
    if receipt::proves(&history, entry) {
        return match edited(world, config, &history)? {
            Found::Change(change) => Err(Failure::step(format!(
                "`{}` is proven and not committed, and the schema files go on: {}",
                entry.tag,
                change.in_words()
            ))
            .hint("commit what is proven first: git add -A && git commit, without the new edit")
            .into()),
            _ => Ok(Found::Proven(entry.tag.clone())),
        };
    }
    migration(world, &history, entry, Origin::Generated).map(|change| Found::Change(Box::new(change)))
}

/// What was declared, where its migration is there already: which one it is, and whether the source has it.
pub fn with_migration(world: &World<'_>, change: Change) -> Result<Change> {
    if !git::changed_files(&world.root, "HEAD")?.iter().any(|name| name.ends_with(".sql")) {
        return Ok(change);
    }
    let config = world.config()?;
    let history = History::load(&config.out)?;
    match new_since(world, &history, "HEAD")?.as_slice() {
        [entry] => {
            Ok(Change { migration: Some(entry.tag.clone()), applied: is_applied(world, &history, entry)?, ..change })
        }
        _ => Ok(change),
    }
}

/// The migrations of a folder that a commit does not have.
pub(super) fn new_since<'a>(world: &World<'_>, history: &'a History, commit: &str) -> Result<Vec<&'a Entry>> {
    let out = &world.config()?.out;
    let folder = out.strip_prefix(&world.root).unwrap_or(out);
    let there = git::files_at(&world.root, commit, &folder.to_string_lossy())?;
    let name = |entry: &Entry| {
        let path = history.sql_path(entry);
        path.strip_prefix(&world.root).unwrap_or(&path).to_string_lossy().into_owned()
    };
    Ok(history.entries.iter().filter(|entry| !there.contains(&name(entry))).collect())
}

/// The newest snapshot of the work tree.
pub fn latest(world: &World<'_>) -> Result<Snapshot> {
    let project = world.work(&Log::at(world.folder.log_stem(0, "infer")))?;
    History::load(&world.config()?.out)?.latest(&project)
}

/// The schema files against the newest snapshot.
fn edited(world: &World<'_>, config: &Config, history: &History) -> Result<Found> {
    let project = world.work(&Log::at(world.folder.log_stem(0, "infer")))?;
    let latest = history.latest(&project)?;
    let now = schema::of_schema(&project, config, Some(latest.id()))?;
    let operations = diff::differences(&latest, &now, &[]);
    if operations.is_empty() {
        return Ok(Found::Nothing);
    }
    if let Some(rename) = diff::rename_candidates(&latest, &now).first() {
        return Err(ask_for_rename(rename).into());
    }
    refuse_unbuilt(&operations)?;
    Ok(Found::Change(Box::new(Change::new(title(&operations), Origin::Schema, operations))))
}

/// A migration that is there, by its snapshots and its SQL.
pub(super) fn migration(world: &World<'_>, history: &History, entry: &Entry, from: Origin) -> Result<Change> {
    let config = world.config()?;
    let project = world.work(&Log::at(world.folder.log_stem(0, "infer")))?;
    let (before, after) = history.around(&project, &entry.tag)?;
    agrees(world, config, &after, &entry.tag)?;
    let file = history.sql_path(entry);
    let shown = file.strip_prefix(&world.root).unwrap_or(&file).display().to_string();
    let sql = std::fs::read_to_string(&file).with_context(|| format!("reading `{shown}`"))?;
    let operations = operations(&before, &after, &sql, &words(&entry.tag), &shown)?;
    refuse_unbuilt(&operations)?;
    let only_custom = operations.iter().all(super::generate::is_custom);
    let title = if only_custom { sentence(&words(&entry.tag)) } else { title(&operations) };
    let applied = is_applied(world, history, entry)?;
    Ok(Change { migration: Some(entry.tag.clone()), applied, ..Change::new(title, from, operations) })
}

/// The schema files say what the migration leads to.
fn agrees(world: &World<'_>, config: &Config, after: &Snapshot, tag: &str) -> Result<()> {
    let project = world.work(&Log::at(world.folder.log_stem(0, "infer")))?;
    let now = schema::of_schema(&project, config, Some(after.id()))?;
    let beyond = diff::differences(after, &now, &[]);
    if beyond.is_empty() {
        return Ok(());
    }
    let failure = Failure::step(format!("the schema files do not say what `{tag}` leads to"));
    Err(beyond
        .iter()
        .fold(failure, |failure, operation| failure.detail(format!("in the schema files only: {operation}")))
        .hint("take the edit back; it is a change of its own, after this one")
        .hint(format!(
            "or take the migration away ({tag}.sql, its snapshot, its journal entry): the run generates it anew"
        ))
        .into())
}

/// Whether the source database has it. Errors: it has another text of it, or a newer migration, so that it never gets this one.
fn is_applied(world: &World<'_>, history: &History, entry: &Entry) -> Result<bool> {
    let source = world.source_name();
    let applied = migrate::applied(&mut world.read_source()?, world.config()?)?;
    let hash = history.hash(entry)?;
    match applied.iter().find(|row| history.records(row, entry)) {
        Some(row) if row.hash == hash => Ok(true),
        Some(_) => Err(Failure::refused(format!("`{source}` has applied another text of `{}`", entry.tag))
            .detail("it was edited since, and no database that has it will take the edit")
            .hint("bring the file back as it was applied, and write the edit as a migration of its own")
            .into()),
        None if history.skipped(&applied).iter().any(|skipped| skipped.tag == entry.tag) => Err(Failure::refused(
            format!("`{}` is older than what `{source}` has applied: drizzle would skip it there", entry.tag),
        )
        .hint("take it away (.sql, snapshot, journal entry) and generate it anew, so that it becomes the newest")
        .into()),
        None => Ok(false),
    }
}

/// The snapshots say what became of the schema, the SQL what is a rename; what else the SQL does is a person's own.
fn operations(before: &Snapshot, after: &Snapshot, sql: &str, what: &str, shown: &str) -> Result<Vec<Operation>> {
    let parsed = statements::parse(sql);
    if let Some(error) = parsed.errors.first() {
        return Err(Failure::step(format!("`{shown}` cannot be read: {}", error.message))
            .detail(format!("{shown}:{}:{}", error.line, error.column))
            .hint("mend the SQL, then: cargo xtask db-change")
            .into());
    }
    let mut found = diff::differences(before, after, &renames(&parsed));
    if found.is_empty() && parsed.statements.is_empty() {
        return Err(Failure::new(Kind::Waiting, format!("`{shown}` holds no statement yet"))
            .hint("write its SQL, then: cargo xtask db-change")
            .into());
    }
    let own = intent::undeclared(&found, &parsed.statements);
    if own.is_empty() {
        return Ok(found);
    }
    let mut all = effects::Effects::default();
    for statement in own {
        let one = effects::of(&statement.text);
        all.tables.extend(one.tables);
        all.writes.extend(one.writes);
        all.rows.extend(one.rows);
        all.unread.extend(one.unread.into_iter().map(|(_, words)| (statement.line, words)));
    }
    if !all.unread.is_empty() {
        return Err(ask_what_it_touches(&all, what, shown).into());
    }
    let rows = all.rows.iter().map(|table| format!("{table}.*"));
    let writes = all.writes.iter().cloned().chain(rows).collect();
    // What the change itself brings is no table of the base.
    let tables = all.tables.into_iter().filter(|table| before.table(table).is_some()).collect();
    found.push(Operation::Custom { what: what.to_owned(), tables, writes });
    Ok(found)
}

fn renames(parsed: &Parsed) -> Vec<Operation> {
    let actions = parsed.statements.iter().flat_map(|statement| &statement.actions);
    actions
        .filter_map(|action| match action {
            Action::RenameColumn { table, from, to } => {
                Some(Operation::RenameColumn { table: table.clone(), from: from.clone(), to: to.clone() })
            }
            Action::RenameTable { table, to } => Some(Operation::RenameTable { table: table.clone(), to: to.clone() }),
            Action::RenameEnumValue { name, from, to } => {
                Some(Operation::RenameEnumValue { name: name.clone(), from: from.clone(), to: to.clone() })
            }
            _ => None,
        })
        .collect()
}

fn ask_what_it_touches(found: &effects::Effects, what: &str, shown: &str) -> Failure {
    let question = format!("`{shown}` runs SQL that cannot be read from here: which tables and columns does it touch?");
    let known = found.tables.iter().map(|table| format!(" --touches {table}"));
    let written = found.writes.iter().map(|column| format!(" --writes {column}"));
    let flags: String = known.chain(written).collect();
    let failure = Failure::new(Kind::Waiting, question);
    found
        .unread
        .iter()
        .fold(failure, |failure, (line, words)| failure.detail(format!("{shown}:{line}   {words} …")))
        .detail("whatever is not named must come out of it as it went in")
        .hint(format!(
            "say it: cargo xtask db-change start --custom \"{what}\"{flags} --touches TABLE --writes TABLE.COLUMN"
        ))
}

/// `0007_add_phone` as `add phone`.
fn words(tag: &str) -> String {
    let name =
        tag.split_once('_').map_or(tag, |(number, name)| match number.bytes().all(|byte| byte.is_ascii_digit()) {
            true => name,
            false => tag,
        });
    name.replace(['_', '-'], " ")
}

fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// A name for a change that nobody gave one.
fn title(operations: &[Operation]) -> String {
    match operations {
        [Operation::AddColumn { table, column, .. }] => format!("Add {table} {column}"),
        [operation] => sentence(&operation.to_string().replace('→', " ")),
        _ => "Change the schema".to_owned(),
    }
}

/// The two look the same in a schema file, and only one of them keeps the data.
fn ask_for_rename(rename: &Operation) -> Failure {
    let (question, command) = match rename {
        Operation::RenameTable { table, to } => (
            format!("the table `{table}` went and `{to}` came: renamed, or dropped and created?"),
            format!("--rename-table {table}={to}"),
        ),
        Operation::RenameColumn { table, from, to } => (
            format!("`{table}.{from}` went and `{table}.{to}` came: renamed, or dropped and added?"),
            format!("--rename {table}.{from}={table}.{to}"),
        ),
        other => (other.to_string(), String::new()),
    };
    let dropped = match rename {
        Operation::RenameTable { table, to } => format!("--drop-table {table} --create-table {to}"),
        Operation::RenameColumn { table, from, to } => format!("--drop-column {table}.{from} --add {table}.{to}=TYPE"),
        _ => String::new(),
    };
    Failure::new(Kind::Waiting, question)
        .detail("the two look the same in a schema file; only one of them keeps the data")
        .hint(format!("a rename: cargo xtask db-change start {command}"))
        .hint(format!("its data is to go: cargo xtask db-change start {dropped}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sql::TableName;

    fn snapshot(columns: &[&str]) -> Snapshot {
        let mut snapshot = Snapshot::empty();
        let columns: serde_json::Map<String, serde_json::Value> = columns
            .iter()
            .map(|name| {
                ((*name).to_owned(), json!({ "name": name, "type": "text", "primaryKey": false, "notNull": false }))
            })
            .collect();
        snapshot.0["tables"]["public.users"] = json!({ "name": "users", "schema": "", "columns": columns });
        snapshot
    }

    fn read(before: &[&str], after: &[&str], sql: &str) -> Result<Vec<String>> {
        let found = operations(&snapshot(before), &snapshot(after), sql, "the change", "x.sql")?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_rename_is_one_where_the_sql_says_so_and_a_drop_with_an_add_stays_that() {
        let (before, after) = (["id", "email"], ["id", "mail"]);
        let rename = "ALTER TABLE \"users\" RENAME COLUMN \"email\" TO \"mail\";";
        assert_eq!(read(&before, &after, rename).unwrap(), ["rename column users.email → mail"]);
        let lost = "ALTER TABLE users ADD COLUMN mail text; ALTER TABLE users DROP COLUMN email;";
        assert_eq!(
            read(&before, &after, lost).unwrap(),
            ["drop column users.email", "add column users.mail (text, nullable)"]
        );
    }

    #[test]
    fn what_a_hand_wrote_beside_it_is_its_own_operation_with_what_it_writes() {
        let sql = "ALTER TABLE users ADD COLUMN mail text; UPDATE users SET email = lower(email); DELETE FROM users;";
        let found = operations(&snapshot(&["email"]), &snapshot(&["email", "mail"]), sql, "both", "x.sql").unwrap();
        let users = TableName::new("public", "users");
        let writes = vec!["users.email".to_owned(), "users.*".to_owned()];
        assert_eq!(found[1], Operation::Custom { what: "both".to_owned(), tables: vec![users], writes });
    }

    #[test]
    fn what_cannot_be_read_is_asked_and_an_empty_file_is_waited_for() {
        let same = ["email"];
        for (sql, text) in [("DO $$ BEGIN END $$;", "which tables and columns"), ("-- mine", "holds no statement yet")]
        {
            let failure = Failure::from_error(&read(&same, &same, sql).unwrap_err());
            assert_eq!(failure.kind, Kind::Waiting);
            assert!(failure.message.contains(text), "{}", failure.message);
        }
        assert_eq!(words("0007_full_name"), "full name");
        assert_eq!(words("backfill_names"), "backfill names");
    }
}
