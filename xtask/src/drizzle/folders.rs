//! The migrations layout of drizzle-kit 1.x: a folder for each migration, `<YYYYMMDDHHMMSS>_name/{migration.sql,snapshot.json}`, and
//! no journal.
//!
//! Invariant: a migration is its folder. Its name says when it was made and is what the migrations table knows it by; the migrator
//! runs every folder whose name is not there, in the order of the names (drizzle-orm 1.0.0-rc.5, `migrator`, `migrator.utils`).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::journal::Entry;
use super::project::Project;
use super::snapshot::{self, Snapshot};
use crate::failure::Failure;

pub(super) const SQL: &str = "migration.sql";
pub(super) const SNAPSHOT: &str = "snapshot.json";
/// drizzle-kit and the migrator look at the two files above, and at no other.
pub(super) const ROLLBACK: &str = "rollback.sql";

/// The migrations of a folder, in the order in which the migrator runs them. One that lacks a file is listed like any other.
pub(super) fn entries(out: &Path) -> Result<Vec<Entry>> {
    let mut tags = Vec::new();
    if !out.is_dir() {
        return Ok(Vec::new());
    }
    for folder in fs::read_dir(out).with_context(|| format!("reading `{}`", out.display()))? {
        let path = folder.with_context(|| format!("reading `{}`", out.display()))?.path();
        if is_migration(&path) {
            tags.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    tags.sort();
    let entry = |(index, tag): (usize, String)| {
        let when = millis(&tag).ok_or_else(|| {
            let name = out.join(&tag).display().to_string();
            Failure::usage(format!("the name of a migration's folder does not begin with a time: {name}"))
                .hint("drizzle-kit 1.x names it `YYYYMMDDHHMMSS_name`; the migrator orders by it")
        })?;
        Ok(Entry { idx: i64::try_from(index)?, version: "9".to_owned(), when, tag, breakpoints: true })
    };
    tags.into_iter().enumerate().map(entry).collect()
}

pub(super) fn is_migration(folder: &Path) -> bool {
    folder.join(SQL).is_file() || folder.join(SNAPSHOT).is_file()
}

/// The first 14 digits of a tag as milliseconds since 1970, in UTC.
fn millis(tag: &str) -> Option<i64> {
    let digits = tag.get(..14).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (date, time) = digits.split_at(8);
    let text = format!("{}-{}-{}T{}:{}:{}Z", &date[..4], &date[4..6], &date[6..], &time[..2], &time[2..4], &time[4..]);
    let since = humantime::parse_rfc3339(&text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}

/// Who a snapshot is and what it follows: all that is said by one file alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub id: String,
    /// None for the first; several where branches were merged.
    pub parents: Vec<String>,
}

#[derive(Deserialize)]
struct Raw {
    dialect: String,
    version: String,
    id: String,
    #[serde(rename = "prevIds")]
    parents: Vec<String>,
}

/// Errors: not there, or not as drizzle-kit 1.0 writes it.
pub(super) fn head(path: &Path) -> Result<Head> {
    let unusable = |reason: String| {
        Failure::step(format!("the snapshot `{}` cannot be used: {reason}", path.display()))
            .hint("restore it from git, or bring it up to date with `drizzle-kit up`")
    };
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::step(format!("cannot read the snapshot `{}`: {error}", path.display())))?;
    let raw: Raw = serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
    if raw.dialect != "postgres" || raw.version != "9" {
        return Err(unusable(format!("dialect `{}` version `{}` is not supported", raw.dialect, raw.version)).into());
    }
    let parents = raw.parents.into_iter().filter(|parent| parent != snapshot::ORIGIN).collect();
    Ok(Head { id: raw.id, parents })
}

/// A snapshot holds what its migration changed, and only the first the whole schema: drizzle-kit puts them together, as it does
/// for itself.
const SCRIPT: &str = r#"
import { readFileSync } from "node:fs";
const { files, ids } = JSON.parse(args[0]);
try {
  let api;
  try { api = await import(Bun.resolveSync("drizzle-kit/api-postgres", process.cwd())); }
  catch (error) { throw coded("not_installed", "drizzle-kit 1.x is not installed in this package"); }
  if (typeof api.reconstruct !== "function") throw coded("not_installed", "this drizzle-kit has no `reconstruct`: 1.0.0-rc.5 or newer is needed");
  const raw = Object.fromEntries(files.map(([folder, path]) => [folder, JSON.parse(readFileSync(path, "utf8"))]));
  const states = [];
  for (const id of ids) states.push(await api.reconstruct(raw, id));
  answer({ value: states });
} catch (error) {
  answer({ error: told(error, null) });
}
process.exit(0);
"#;

/// The schema after each of these snapshots; `files` are the snapshots of all migrations.
pub(super) fn states(project: &Project, files: &[(String, PathBuf)], ids: &[&str]) -> Result<Vec<Snapshot>> {
    let what = "the snapshots cannot be put together";
    let args = serde_json::json!({ "files": files, "ids": ids }).to_string();
    let value = project.script(SCRIPT, &[&args])?.map_err(|error| {
        if error.code.is_some() {
            return error.failure(project, what);
        }
        Failure::step(format!("{what}: {}", error.place_and_message(project)))
            .hint("run `bun run drizzle-kit check` in the package, and restore from git what it names")
    })?;
    let states: Vec<Value> = serde_json::from_value(value).context("reading the answer of drizzle-kit")?;
    states
        .iter()
        .map(|state| {
            let parsed = snapshot::parse(&state.to_string());
            parsed.map_err(|reason| Failure::environment(format!("{what} as we can read them: {reason}")).into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_folder_says_when_its_migration_was_made() {
        // As drizzle-orm 1.0.0-rc.5 recorded it.
        assert_eq!(millis("20261122202909_create_users_and_workouts"), Some(1_795_379_349_000));
        assert_eq!(millis("20261322202909_x"), None);
        assert_eq!(millis("0001_x"), None);
    }
}
