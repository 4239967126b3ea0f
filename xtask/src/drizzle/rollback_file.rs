//! The text of a rollback file: its head for people, the guards, the inverse, the books.
//!
//! Invariant: run as it says, it changes nothing unless this very migration is the newest that the database applied, and then
//! everything or nothing, its own bookkeeping row included; a second time it refuses.

use std::fmt::Write;

use super::layout::Layout;
use super::rollback::Migration;
use crate::sql::Operation;
use crate::sql::names::literal;

#[must_use]
pub fn file_name(tag: &str) -> String {
    format!("rollback_{tag}.sql")
}

/// In a file whose inverse a person still has to write; as it is, it changes nothing.
pub const UNWRITTEN: &str = "this rollback is not written yet";

/// Stands in the guard before the hash of the migration that it lets through.
pub const GUARD: &str = "newest.hash IS DISTINCT FROM ";

/// The file in its form, with a place for the inverse that cannot be derived.
#[must_use]
pub fn frame(migration: &Migration<'_>) -> String {
    let place = format!(
        "-- Write the inverse here, in the place of the next line; BEGIN, COMMIT and the guards around it stay.\nDO $place$ BEGIN RAISE EXCEPTION {}; END $place$;",
        literal(UNWRITTEN)
    );
    let losses = ["say here what it cannot bring back, or that nothing is lost".to_owned()];
    text(migration, migration.operations, &[place], &losses)
}

pub(super) fn text(
    migration: &Migration<'_>,
    operations: &[Operation],
    statements: &[String],
    losses: &[String],
) -> String {
    let tag = migration.tag;
    let mut out = String::from("\\set ON_ERROR_STOP on\n");
    let mut say = |line: String| {
        // A name may hold a line break; the comment must not end there.
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(out, "-- {line}");
    };
    say(format!("Reverses the migration {tag}:"));
    operations.iter().for_each(|operation| say(format!("  {operation}")));
    say(format!("Run: psql \"$DATABASE_URL\" < {}", migration.layout.rollback_name(tag)));
    say("It stops and changes nothing unless that migration is the newest one applied, with the content it was derived for.".to_owned());
    match losses {
        [] => say("Data: nothing is lost.".to_owned()),
        losses => losses.iter().for_each(|loss| say(format!("Data lost: {loss}."))),
    }
    if statements.iter().any(|one| one.starts_with("CREATE VIEW") || one.starts_with("CREATE MATERIALIZED VIEW")) {
        say("Views are created again: privileges granted on them must be granted again.".to_owned());
    }
    let table = migration.migrations_table.quoted();
    let hash = literal(migration.hash);
    // What the migrator knows a migration by, and which row it wrote last: the time in 0.x, the name in 1.x, which may apply an
    // older migration after a newer one.
    let (by, known, newest_first) = match migration.layout {
        Layout::Journal => ("created_at", migration.when.to_string(), "created_at DESC NULLS LAST, id DESC"),
        Layout::Folders => ("name", literal(tag), "id DESC"),
    };
    let refused = literal(&format!(
        "{tag} is not the newest migration applied to this database, or its file was another one: nothing was changed"
    ));
    let kept = literal(&format!("{tag} is not recorded exactly once: nothing was changed"));
    let body = statements.join("\n");
    let delimiter = delimiter(&[&refused, &kept, &table, &known]);
    let _ = write!(
        out,
        "BEGIN;
SET LOCAL lock_timeout = '5s';
LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE;
DO {delimiter}
DECLARE
  newest record;
BEGIN
  SELECT hash, {by} INTO newest FROM {table} ORDER BY {newest_first} LIMIT 1;
  IF {GUARD}{hash} OR newest.{by} IS DISTINCT FROM {known} THEN
    RAISE EXCEPTION USING MESSAGE = {refused};
  END IF;
END
{delimiter};

{body}

DO {delimiter}
DECLARE
  removed integer;
BEGIN
  DELETE FROM {table} WHERE hash = {hash} AND {by} = {known};
  GET DIAGNOSTICS removed = ROW_COUNT;
  IF removed <> 1 THEN
    RAISE EXCEPTION USING MESSAGE = {kept};
  END IF;
END
{delimiter};
COMMIT;
"
    );
    out
}

/// A dollar quote that none of the texts inside can close.
fn delimiter(texts: &[&str]) -> String {
    let mut delimiter = "$rollback$".to_owned();
    while texts.iter().any(|text| text.contains(&delimiter)) {
        delimiter.insert(delimiter.len() - 1, '_');
    }
    delimiter
}
