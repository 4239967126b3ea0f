//! What `bun run typecheck` says, and which of its errors are new against the base.
//!
//! Errors are compared by file, code and message, each as often as it occurs, never by line: an edit above moves lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use regex::Regex;

use serde::{Deserialize, Serialize};

use super::imports::normal;
use crate::process::escapes;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeError {
    /// Relative to the root; empty for errors of no file (`error TS18003`).
    pub file: PathBuf,
    pub line: u32,
    pub column: u32,
    /// `TS2339`
    pub code: String,
    pub message: String,
}

/// All errors in an output of `tsc` or `tsgo`, plain or pretty, with the prefixes of `bun run --filter`, `pnpm -r` and turbo. Paths that are relative to a
/// package are found by looking for the file: under the root, then in each of `packages` (folders relative to the root).
pub fn parse(output: &str, root: &Path, packages: &[PathBuf]) -> Result<Vec<TypeError>> {
    let prefix = Regex::new(r"^(@?[\w./-]+)[ :][\w:-]+: ").context("the pattern of prefixes")?;
    let plain = Regex::new(r"^(.+?)\((\d+),(\d+)\): error (TS\d+): (.*)$").context("the plain pattern")?;
    let pretty = Regex::new(r"^(.+?):(\d+):(\d+) - error (TS\d+): (.*)$").context("the pretty pattern")?;
    let global = Regex::new(r"^error (TS\d+): (.*)$").context("the pattern of global errors")?;
    let mut errors = Vec::new();
    for line in output.lines() {
        let line = escapes::plain(line);
        let found = prefix.captures(line.trim_end()).filter(|found| &found[1] != "error");
        let package = found.as_ref().map(|found| found[1].to_owned());
        let line = line.trim_end()[found.map_or(0, |found| found[0].len())..].to_owned();
        if let Some(found) = plain.captures(&line).or_else(|| pretty.captures(&line)) {
            errors.push(TypeError {
                file: place(&found[1], package.as_deref(), root, packages),
                line: found[2].parse().unwrap_or(0),
                column: found[3].parse().unwrap_or(0),
                code: found[4].to_owned(),
                message: found[5].trim().to_owned(),
            });
        } else if let Some(found) = global.captures(&line) {
            let message = found[2].trim().to_owned();
            errors.push(TypeError { file: PathBuf::new(), line: 0, column: 0, code: found[1].to_owned(), message });
        }
    }
    Ok(errors)
}

/// Errors that the base doesn't have, or has less often.
#[must_use]
pub fn new_errors(base: &[TypeError], now: &[TypeError]) -> Vec<TypeError> {
    let mut known: BTreeMap<(&Path, &str, &str), usize> = BTreeMap::new();
    for error in base {
        *known.entry(key(error)).or_default() += 1;
    }
    let mut new = Vec::new();
    for error in now {
        match known.get_mut(&key(error)).filter(|count| **count > 0) {
            Some(count) => *count -= 1,
            None => new.push(error.clone()),
        }
    }
    new
}

#[must_use]
pub fn by_file(errors: &[TypeError]) -> BTreeMap<&Path, Vec<&TypeError>> {
    errors.iter().fold(BTreeMap::new(), |mut files: BTreeMap<&Path, Vec<&TypeError>>, error| {
        files.entry(error.file.as_path()).or_default().push(error);
        files
    })
}

fn key(error: &TypeError) -> (&Path, &str, &str) {
    (&error.file, &error.code, &error.message)
}

/// By its manifest, its folder, or the folder's last part.
fn is_called(root: &Path, folder: &Path, package: &str, short: Option<&str>) -> bool {
    let name = || {
        let text = std::fs::read_to_string(root.join(folder).join("package.json")).ok()?;
        serde_json::from_str::<serde_json::Value>(&text).ok()?["name"].as_str().map(str::to_owned)
    };
    folder == Path::new(package)
        || name().map_or_else(|| folder.file_name().and_then(|name| name.to_str()) == short, |name| name == package)
}

fn place(path: &str, package: Option<&str>, root: &Path, packages: &[PathBuf]) -> PathBuf {
    let written = Path::new(path);
    if let Ok(inside) = written.strip_prefix(root) {
        return inside.to_owned();
    }
    let short = package.map(|name| name.rsplit('/').next().unwrap_or(name));
    let (named, others): (Vec<_>, Vec<_>) =
        packages.iter().partition(|folder| package.is_some_and(|package| is_called(root, folder, package, short)));
    // A prefixed line comes from its package, any other from the root.
    let bases =
        named.into_iter().map(PathBuf::as_path).chain([Path::new("")]).chain(others.into_iter().map(PathBuf::as_path));
    let candidates = bases.map(|base| normal(&base.join(written)));
    candidates.into_iter().find(|candidate| root.join(candidate).is_file()).unwrap_or_else(|| normal(written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_and_prefixes_are_read_and_paths_found() {
        let root = tempfile::tempdir().unwrap();
        for file in ["packages/db/src/a.ts", "packages/api/src/a.ts", "apps/web/src/(app)/c.tsx"] {
            std::fs::create_dir_all(root.path().join(file).parent().unwrap()).unwrap();
            std::fs::write(root.path().join(file), "").unwrap();
        }
        let output = "@own/api typecheck: src/a.ts(3,5): error TS2339: Property 'email' does not exist.\r\n  Did you mean x?\n\
            \x1b[96mapps/web/src/(app)/c.tsx\x1b[0m:\x1b[93m1\x1b[0m:\x1b[93m2\x1b[0m - \x1b[91merror\x1b[0m\x1b[90m TS2551: \x1b[0mNo 'a': b.\n\
            error TS18003: No inputs were found.\nFound 3 errors.\n\
            @own/models:typecheck: src/a.ts(4,1): error TS1: m";
        std::fs::write(root.path().join("packages/db/package.json"), r#"{"name": "@own/models"}"#).unwrap();
        let packages = ["packages/api".into(), "packages/db".into()];
        let errors = parse(output, root.path(), &packages).unwrap();
        let seen: Vec<_> =
            errors.iter().map(|error| (error.file.to_str().unwrap(), error.line, error.code.as_str())).collect();
        assert_eq!(
            seen,
            [
                ("packages/api/src/a.ts", 3, "TS2339"),
                ("apps/web/src/(app)/c.tsx", 1, "TS2551"),
                ("", 0, "TS18003"),
                ("packages/db/src/a.ts", 4, "TS1")
            ]
        );
        assert_eq!(errors[1].message, "No 'a': b.");
    }

    #[test]
    fn a_moved_error_is_old_and_a_second_of_its_kind_is_new() {
        let error =
            |line| TypeError { file: "a.ts".into(), line, column: 1, code: "TS1".to_owned(), message: "m".to_owned() };
        assert!(new_errors(&[error(1)], &[error(9)]).is_empty());
        assert_eq!(new_errors(&[error(1)], &[error(1), error(2)]), [error(2)]);
        assert_eq!(by_file(&[error(1), error(2)])[Path::new("a.ts")].len(), 2);
    }
}
