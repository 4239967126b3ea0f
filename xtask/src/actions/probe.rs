//! The state of a database as far as freshness goes: which server, which migrations, which schema. Never its rows.
//!
//! Once `apply` has begun, its target may be as it was before, or that plus this migration: both give the digest that was
//! recorded before, so that our own apply makes no step stale.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::world::{APPLICATION, World};
use crate::digest;
use crate::pg::{connect, fingerprint, migrations};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Seen {
    pub server: String,
    pub database: String,
    /// Hash and time of each applied migration, in order.
    pub applied: Vec<String>,
    pub schema: String,
}

/// Where `apply` keeps that record.
const APPLYING: &str = "applying.toml";

/// A state together with the catalog's objects, a line each, for people.
pub(super) struct Look {
    pub seen: Seen,
    pub text: String,
}

/// What `apply` writes down before it touches the target.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Applying {
    pub target: String,
    pub before: Seen,
    pub after: Seen,
    /// Whether it came to its end, with proof.
    #[serde(default)]
    pub done: bool,
}

pub(super) fn see(world: &World<'_>, target: &str) -> Result<Seen> {
    Ok(look(world, target)?.seen)
}

fn look(world: &World<'_>, target: &str) -> Result<Look> {
    let mut client = connect::connect_read_only(&world.url(target)?, APPLICATION)?;
    let identity = connect::identity(&mut client)?;
    let table = world.migrations_table()?;
    let applied = migrations::applied(&mut client, &table.schema, &table.name)?.unwrap_or_default();
    let fingerprint = fingerprint::take(&mut client, &world.portable()?)?;
    let seen = Seen {
        server: identity.system_identifier.unwrap_or_else(|| identity.server_version.clone()),
        database: identity.database,
        applied: applied.iter().map(|row| format!("{} {}", row.hash, row.created_at)).collect(),
        schema: fingerprint.digest(),
    };
    let head = format!("server {}\ndatabase {}\n", seen.server, seen.database);
    let applied: String = seen.applied.iter().map(|row| format!("applied {row}\n")).collect();
    Ok(Look { text: head + &applied + &fingerprint.lines(), seen })
}

/// The digest, and the lines that it stands for.
pub(super) fn database(world: &World<'_>, target: &str) -> Result<(String, String)> {
    let Look { seen: now, text } = look(world, target)?;
    match applying(world, target)? {
        Some(applying) if now == applying.before || now == applying.after => Ok((applying.before.digest(), text)),
        _ => Ok((now.digest(), text)),
    }
}

/// Whether what was applied is still there: someone may have run the rollback since.
pub(super) fn applied(world: &World<'_>, target: &str) -> Result<String> {
    let taken_back = match applying(world, target)? {
        Some(applying) => applying.done && see(world, target)? == applying.before,
        None => false,
    };
    Ok(if taken_back { "taken back" } else { "not taken back" }.to_owned())
}

/// The apply that was recorded has come to its end.
pub(super) fn record_done(world: &World<'_>, target: &str) -> Result<()> {
    match applying(world, target)? {
        Some(applying) => record(world, &Applying { done: true, ..applying }),
        None => Ok(()),
    }
}

impl Seen {
    pub(super) fn digest(&self) -> String {
        let applied = self.applied.join("\n");
        digest::of_parts([&self.server, &self.database, &applied, &self.schema].map(|part| part.as_bytes()))
    }
}

/// The record of an apply that has begun, if there is one.
pub(super) fn applying(world: &World<'_>, target: &str) -> Result<Option<Applying>> {
    let Some(text) = world.folder.record(APPLYING)? else { return Ok(None) };
    let found: Applying = toml::from_str(&text).with_context(|| format!("reading `{APPLYING}`"))?;
    Ok(Some(found).filter(|found| found.target == target))
}

pub(super) fn record(world: &World<'_>, applying: &Applying) -> Result<()> {
    let text = toml::to_string(applying).context("describing what apply is about to do")?;
    world.folder.save_record(APPLYING, &text)
}
