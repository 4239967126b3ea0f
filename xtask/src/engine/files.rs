//! The files that globs of the workflow file name, and a digest of each: what a step stands on and what it leaves.
//!
//! Invariant: what was seen for one step serves another only while nothing is at work ([`Seen`]), so that no step is judged by
//! files as they were before another's work.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};

use super::Host;
use crate::digest;
use crate::failure::Failure;

/// Files, relative to the root, with their digests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests {
    pub(super) files: BTreeMap<String, String>,
    /// Of the list; thousands of files are a long one, and many steps stand on the same.
    digest: OnceLock<String>,
}

impl Digests {
    pub(super) fn of(patterns: &[String], root: &Path, host: &dyn Host) -> Result<Digests> {
        let mut files = Vec::new();
        for pattern in patterns {
            visit(root, pattern, &mut |name, stat| {
                let known = stat().and_then(|found| host.known(&root.join(&name), &found));
                let digest = known.map_or_else(|| digest(root, &name, host), Ok)?;
                files.push((name, digest));
                Ok(())
            })?;
        }
        Ok(Digests::from(BTreeMap::from_iter(files)))
    }

    /// A line each.
    pub(super) fn list(&self) -> String {
        self.pieces().collect()
    }

    pub(super) fn digest(&self) -> &str {
        self.digest.get_or_init(|| digest::of_all(self.pieces().map(str::as_bytes)))
    }

    fn pieces(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flat_map(|(name, digest)| [digest, " ", name, "\n"])
    }
}

impl From<BTreeMap<String, String>> for Digests {
    fn from(files: BTreeMap<String, String>) -> Digests {
        Digests { files, digest: OnceLock::new() }
    }
}

/// What has been seen in one look at the steps.
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
        let found = Arc::new(Digests::of(patterns, root, host)?);
        self.0.insert(patterns.to_vec(), found.clone());
        Ok(found)
    }
}

/// The files that a glob of the workflow file names, sorted; `node_modules` and `.git` are never looked into.
pub fn files(root: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    Ok(names(root, pattern)?.into_iter().map(|name| root.join(name)).collect())
}

/// The same, relative to the root.
pub(super) fn names(root: &Path, pattern: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    visit(root, pattern, &mut |name, _| {
        found.push(name);
        Ok(())
    })?;
    found.sort();
    Ok(found)
}

/// The digest of one file.
pub(super) fn digest(root: &Path, name: &str, host: &dyn Host) -> Result<String> {
    host.digest(&root.join(name))
}

/// Takes the name of a file below the root, and what the file system says of it where that is asked for and cheap.
type Visitor<'a> = &'a mut dyn FnMut(String, &dyn Fn() -> Option<Metadata>) -> Result<()>;

fn visit(root: &Path, pattern: &str, each: Visitor<'_>) -> Result<()> {
    let glob =
        glob::Pattern::new(pattern).map_err(|error| Failure::usage(format!("`{pattern}` is not a glob: {error}")))?;
    let plain = pattern.split('/').take_while(|part| !part.contains(['*', '?', '[']));
    let start = plain.filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/");
    match root.join(&start).metadata() {
        Ok(here) if here.is_file() => each(start, &|| Some(here.clone())),
        Ok(here) if here.is_dir() => walk(root, &start, &glob, each),
        _ => Ok(()),
    }
}

fn walk(root: &Path, folder: &str, glob: &glob::Pattern, each: Visitor<'_>) -> Result<()> {
    const LITERAL: glob::MatchOptions = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    let listing = || format!("listing the inputs in `{}`", root.join(folder).display());
    for entry in std::fs::read_dir(root.join(folder)).with_context(listing)? {
        let entry = entry.with_context(listing)?;
        // A glob is text: it matches no other name.
        let Ok(last) = entry.file_name().into_string() else { continue };
        let name = if folder.is_empty() { last.clone() } else { [folder, "/", &last].concat() };
        let kind = entry.file_type().with_context(listing)?;
        if kind.is_dir() {
            if last != "node_modules" && last != ".git" {
                walk(root, &name, glob, each)?;
            }
        // A linked folder is somebody else's, and may lead back here.
        } else if glob.matches_with(&name, LITERAL) && !(kind.is_symlink() && entry.path().is_dir()) {
            // Of a link this would tell about the link.
            each(name, &|| kind.is_file().then(|| entry.metadata().ok()).flatten())?;
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
