//! `workflows/baseline.toml`: the migrations that were there before this workflow was adopted, by tag and hash. No run proved
//! them and no receipt comes with them; everything newer needs both.
//!
//! Invariant: written once, committed, and never extended: a migration does not become older by waiting.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::drizzle::{Entry, History};
use crate::failure::Failure;

pub const NAME: &str = "workflows/baseline.toml";

const HEAD: &str = "\
# Migrations from before this workflow was adopted: no run proved them, and no receipt comes with them. Whatever is not
# listed here needs a receipt. Committed once; a file that is listed and has another hash was edited since.
";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    pub schema: String,
    /// From the root of the repo.
    pub migrations_dir: String,
    #[serde(default)]
    pub migration: Vec<Listed>,
}

/// One of them.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    pub tag: String,
    /// As the migrations table records it: SHA-256 of the SQL file.
    pub sha256: String,
}

/// What is there now.
pub(super) fn of(shown: &str, history: &History) -> Result<Baseline> {
    let listed = |entry: &Entry| Ok(Listed { tag: entry.tag.clone(), sha256: history.hash(entry)? });
    let migration = history.entries.iter().map(listed).collect::<Result<Vec<_>>>()?;
    Ok(Baseline { schema: "1.0".to_owned(), migrations_dir: shown.to_owned(), migration })
}

pub(super) fn text(baseline: &Baseline) -> Result<String> {
    Ok(format!("{HEAD}{}", toml::to_string(baseline).context("describing the baseline")?))
}

/// The baseline of a repo, if it has one. Errors (usage): one that cannot be read.
pub fn load(root: &Path) -> Result<Option<Baseline>> {
    let Ok(text) = fs::read_to_string(root.join(NAME)) else { return Ok(None) };
    let wrong = |problem: String| {
        Failure::usage(format!("`{NAME}` cannot be read: {problem}"))
            .hint(format!("restore it: git checkout -- {NAME}"))
    };
    let baseline: Baseline = toml::from_str(&text).map_err(|error| wrong(error.message().to_owned()))?;
    if !baseline.schema.starts_with("1.") {
        return Err(wrong(format!("its schema is {}, and this program knows 1.0", baseline.schema)).into());
    }
    Ok(Some(baseline))
}

/// Errors (step): a listed migration is gone or was edited since.
pub(super) fn check(baseline: &Baseline, history: &History) -> Result<()> {
    let mut wrong = Vec::new();
    for listed in &baseline.migration {
        match history.entry(&listed.tag).map(|entry| history.hash(entry)) {
            Some(Ok(hash)) if hash == listed.sha256 => {}
            Some(Ok(_)) => wrong.push(format!("{}: its SQL was edited since", listed.tag)),
            Some(Err(_)) | None => wrong.push(format!("{}: it is not there any more", listed.tag)),
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::step("migrations from before the adoption are not as they were")
        .detail(wrong.join("\n"))
        .hint(format!("restore them: git log -- {}", baseline.migrations_dir))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edited_and_a_missing_migration_are_named_and_newer_ones_are_not_asked_for() {
        let out = tempfile::tempdir().unwrap();
        fs::create_dir(out.path().join("meta")).unwrap();
        let history = |count: i64| {
            let entry = |idx| serde_json::json!({ "idx": idx, "version": "7", "when": idx, "tag": format!("{idx:04}_x"), "breakpoints": true });
            let entries: Vec<_> = (0..count).map(entry).collect();
            let journal = serde_json::json!({ "version": "7", "dialect": "postgresql", "entries": entries });
            fs::write(out.path().join("meta/_journal.json"), journal.to_string()).unwrap();
            History::load(out.path()).unwrap()
        };
        for name in ["0000_x.sql", "0001_x.sql", "0002_x.sql"] {
            fs::write(out.path().join(name), "select 1;").unwrap();
        }
        let baseline = of("drizzle", &history(2)).unwrap();
        let again: Baseline = toml::from_str(&text(&baseline).unwrap()).unwrap();
        assert_eq!(again.migration, baseline.migration);
        check(&baseline, &history(3)).unwrap();
        fs::write(out.path().join("0000_x.sql"), "select 2;").unwrap();
        let failure = check(&baseline, &history(1)).unwrap_err().downcast::<Failure>().unwrap();
        assert_eq!(failure.details, ["0000_x: its SQL was edited since", "0001_x: it is not there any more"]);
    }
}
