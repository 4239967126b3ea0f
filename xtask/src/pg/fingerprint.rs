//! What a database's schema is, object by object, so that "the same as before" is a comparison and not an impression.
//!
//! Independent of the order in which things were made, of OIDs and of physical layout. Not covered, because pg_dump of one database does not carry
//! it either: roles, tablespaces' places, settings of the database, subscriptions. Equal majors only: PostgreSQL words definitions differently from
//! one major to the next (18 lists NOT NULLs as constraints). Fails closed: an error or an empty answer is never a fingerprint.

use std::collections::BTreeMap;

use anyhow::Result;
use postgres::GenericClient;
use serde::{Deserialize, Serialize};

use super::error::Told;
use crate::digest;
use crate::failure::Failure;
use crate::sql::names::TableName;

/// What counts as a difference.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The order of a table's columns counts (a dropped and re-added column stands at the end).
    pub strict_order: bool,
    /// Owners and privileges count; off where the other side was restored without them.
    pub privileges: bool,
    /// Left out with their columns, indexes, sequences: the migrator's own bookkeeping.
    pub skip_tables: Vec<TableName>,
    pub skip_schemas: Vec<String>,
}

/// Kind (`column`) and full name (`public.users.email`) of an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectName {
    pub kind: String,
    pub name: String,
}

/// Each object with its definition as PostgreSQL words it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    pub objects: BTreeMap<ObjectName, String>,
}

/// Whether the self-check ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canary {
    /// A new table was made, changed the fingerprint, and was rolled back.
    Changed,
    /// The session may not write: why.
    NotTried(String),
}

/// Reads the catalog of the database in one statement. Inside a transaction it sees that transaction's changes.
pub fn take(client: &mut impl GenericClient, options: &Options) -> Result<Fingerprint> {
    // Rolled back, so that the settings are gone again, even inside the caller's transaction.
    let mut transaction = client.transaction().told("opening a transaction for the fingerprint")?;
    transaction
        .batch_execute("set local search_path = ''; set local quote_all_identifiers = off; set local jit = off")
        .told("settings for the fingerprint")?;
    let schemas: Vec<&str> = options.skip_tables.iter().map(|table| table.schema.as_str()).collect();
    let names: Vec<&str> = options.skip_tables.iter().map(|table| table.name.as_str()).collect();
    let rows = transaction.query(include_str!("fingerprint.sql"), &[&options.skip_schemas, &schemas, &names]);
    let rows = rows.told("reading the catalog for the fingerprint")?;
    transaction.rollback().told("ending the fingerprint's transaction")?;

    let mut objects = BTreeMap::new();
    for row in &rows {
        let object = ObjectName { kind: row.get(0), name: row.get(1) };
        let counts = match object.kind.as_str() {
            "column order" => options.strict_order,
            "owner" | "privileges" => options.privileges,
            _ => true,
        };
        if counts {
            let definition: &mut String = objects.entry(object).or_default();
            definition.push_str(row.get(2));
        }
    }
    if objects.is_empty() {
        return Err(Failure::step("the fingerprint of the database is empty, and so proves nothing")
            .hint("look at what the check leaves out, and at what the role may see")
            .into());
    }
    Ok(Fingerprint { objects })
}

/// Proves that the fingerprint can see a change in this database; leaves nothing behind.
pub fn canary(client: &mut impl GenericClient, options: &Options) -> Result<Canary> {
    let row = client.query_one(
        "select pg_catalog.current_setting('transaction_read_only') = 'on',
                pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create')",
        &[],
    );
    let row = row.told("asking what the session may do")?;
    if row.get(0) {
        return Ok(Canary::NotTried("the session is read-only".to_owned()));
    }
    if !row.get::<_, bool>(1) {
        return Ok(Canary::NotTried("the role may not create a schema".to_owned()));
    }
    let before = take(client, options)?;
    let mut transaction = client.transaction().told("opening the canary's transaction")?;
    transaction
        .batch_execute("create schema _db_change_canary create table t (id integer)")
        .told("making the canary")?;
    let after = take(&mut transaction, options)?;
    transaction.rollback().told("rolling the canary back")?;
    if before.digest() == after.digest() {
        return Err(
            Failure::step("the fingerprint did not change when a table was made: it cannot be trusted here").into()
        );
    }
    Ok(Canary::Changed)
}

impl Fingerprint {
    /// SHA-256 over all objects, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let parts = self.objects.iter().flat_map(|(object, definition)| [&object.kind, &object.name, definition]);
        digest::of_parts(parts.map(|part| part.as_bytes()))
    }

    /// Every object, a line each.
    #[must_use]
    pub fn lines(&self) -> String {
        self.objects.iter().map(|(object, definition)| format!("{}\n", worded(object, definition))).collect()
    }

    /// What `other` has (`+`), lacks (`-`) and has otherwise (`~`), one line each, sorted by kind and name.
    #[must_use]
    pub fn difference(&self, other: &Fingerprint) -> Vec<String> {
        let mut lines = Vec::new();
        for (object, was) in &self.objects {
            match other.objects.get(object) {
                None => lines.push((object, format!("- {}", worded(object, was)))),
                Some(now) if now != was => lines.push((object, changed(object, was, now))),
                Some(_) => {}
            }
        }
        let new = other.objects.iter().filter(|(object, _)| !self.objects.contains_key(object));
        lines.extend(new.map(|(object, now)| (object, format!("+ {}", worded(object, now)))));
        lines.sort_by_key(|(object, _)| *object);
        lines.into_iter().map(|(_, line)| line).collect()
    }
}

fn worded(object: &ObjectName, definition: &str) -> String {
    let ObjectName { kind, name } = object;
    if definition.is_empty() { format!("{kind} {name}") } else { format!("{kind} {name}: {}", short(definition)) }
}

fn changed(object: &ObjectName, was: &str, now: &str) -> String {
    let ObjectName { kind, name } = object;
    let lines = |text: &str| text.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    let (was_lines, now_lines) = (lines(was), lines(now));
    if was_lines.len() < 2 && now_lines.len() < 2 {
        let shown = |text: &str| if text.is_empty() { "(nothing)".to_owned() } else { text.to_owned() };
        return format!("~ {kind} {name}: was {}, now {}", shown(was), shown(now));
    }
    let same = was_lines.iter().zip(&now_lines).take_while(|(was, now)| was == now).count();
    let line = |lines: &[String]| lines.get(same).map_or_else(|| "(nothing)".to_owned(), |line| short(line.trim()));
    format!("~ {kind} {name}: line {} was {}, now {}", same + 1, line(&was_lines), line(&now_lines))
}

/// One line of at most 200 characters.
fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 200 { format!("{}…", line.chars().take(200).collect::<String>()) } else { line }
}

#[cfg(test)]
#[path = "fingerprint_tests.rs"]
mod tests;
