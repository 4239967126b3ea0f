//! The files that globs of the workflow file name, and a digest of each: what a step stands on and what it leaves.
//!
//! Invariant: what was seen for one step serves another only while nothing is at work ([`Seen`]), so that no step is judged by
//! files as they were before another's work.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::Host;
use crate::failure::Failure;

/// File, relative to the root → digest.
pub type Digests = BTreeMap<String, String>;

/// What has been seen in one look at the steps: many of them stand on the same files.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<Vec<String>, Arc<Digests>>);

impl Seen {
    /// Something may have been written.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    pub(super) fn digests(&mut self, patterns: &[String], root: &Path, host: &dyn Host) -> Result<Arc<Digests>> {
        if let Some(known) = self.0.get(patterns) {
            return Ok(known.clone());
        }
        let found = Arc::new(digests(patterns, root, host)?);
        self.0.insert(patterns.to_vec(), found.clone());
        Ok(found)
    }
}

/// The files of several globs as they are now.
pub(super) fn digests(patterns: &[String], root: &Path, host: &dyn Host) -> Result<Digests> {
    let mut found = Digests::new();
    for pattern in patterns {
        for file in unsorted(root, pattern)? {
            let digest = host.digest(&file)?;
            let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
            found.insert(name, digest);
        }
    }
    Ok(found)
}

/// The files that a glob of the workflow file names, sorted; `node_modules` and `.git` are never looked into.
pub fn files(root: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let mut found = unsorted(root, pattern)?;
    found.sort();
    Ok(found)
}

fn unsorted(root: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let glob =
        glob::Pattern::new(pattern).map_err(|error| Failure::usage(format!("`{pattern}` is not a glob: {error}")))?;
    let plain = pattern.split('/').take_while(|part| !part.contains(['*', '?', '[']));
    let start = plain.fold(root.to_owned(), |path, part| path.join(part));
    let mut found = Vec::new();
    match start.metadata() {
        Ok(here) if here.is_file() => found.push(start),
        Ok(here) if here.is_dir() => walk(&start, root, &glob, &mut found)?,
        _ => {}
    }
    Ok(found)
}

fn walk(folder: &Path, root: &Path, glob: &glob::Pattern, found: &mut Vec<PathBuf>) -> Result<()> {
    const LITERAL: glob::MatchOptions = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    let listing = || format!("listing the inputs in `{}`", folder.display());
    for entry in std::fs::read_dir(folder).with_context(listing)? {
        let entry = entry.with_context(listing)?;
        let kind = entry.file_type().with_context(listing)?;
        let path = entry.path();
        if kind.is_dir() {
            if entry.file_name() != "node_modules" && entry.file_name() != ".git" {
                walk(&path, root, glob, found)?;
            }
        // A linked folder is somebody else's, and may lead back here.
        } else if path.strip_prefix(root).is_ok_and(|name| glob.matches_path_with(name, LITERAL))
            && !(kind.is_symlink() && path.is_dir())
        {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_finds_files_at_every_depth_and_never_those_of_packages_or_linked_folders() {
        let root = tempfile::tempdir().unwrap();
        for name in ["p/a.ts", "p/deep/er/b.ts", "p/node_modules/x/c.ts", "p/d.sql", "q/e.ts"] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, root.path().join(name)).unwrap();
        link("..", "p/up.ts");
        link("../q/e.ts", "p/linked.ts");
        let names = |pattern: &str| -> Vec<String> {
            let found = files(root.path(), pattern).unwrap();
            found.iter().map(|path| path.strip_prefix(root.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names("p/**/*.ts"), ["p/a.ts", "p/deep/er/b.ts", "p/linked.ts"]);
        assert_eq!(names("p/*.ts"), ["p/a.ts", "p/linked.ts"]);
        assert_eq!(names("p/d.sql"), ["p/d.sql"]);
        assert_eq!(names("nothing/**/*.ts"), Vec::<String>::new());
    }
}
