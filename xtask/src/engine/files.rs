//! The files that globs of the workflow file name, and a digest of each: what a step stands on and what it leaves.
//!
//! Invariant: what was seen for one step serves another only while nothing is at work ([`Seen`]), so that no step is judged by
//! files as they were before another's work.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
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
    /// Patterns without a file: a slip of the pen, or files that may yet come.
    pub(super) unmatched: Vec<String>,
    /// Of the list; thousands of files are a long one, and many steps stand on the same.
    digest: OnceLock<String>,
}

impl Digests {
    pub(super) fn of(patterns: &[String], root: &Path, host: &dyn Host) -> Result<Digests> {
        let (mut files, mut unmatched) = (Vec::new(), Vec::new());
        for pattern in patterns {
            let mut any = false;
            visit(root, pattern, &mut |name, stat| {
                let known = stat().and_then(|found| host.known(&root.join(&name), &found));
                let digest = known.map_or_else(|| digest(root, &name, host), Ok)?;
                files.push((name, digest));
                any = true;
                Ok(())
            })?;
            if !any {
                unmatched.push(pattern.clone());
            }
        }
        Ok(Digests { unmatched, ..Digests::from(BTreeMap::from_iter(files)) })
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
        Digests { files, ..Digests::default() }
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

/// The digest of one file. Of a link that leads to nothing, such as an editor's lock, that it does.
pub(super) fn digest(root: &Path, name: &str, host: &dyn Host) -> Result<String> {
    let path = root.join(name);
    match look(&path)? {
        Some(found) if !found.is_file() => {
            Err(Failure::environment(format!("the input `{name}` is {}, which cannot be read as a file", what(&found)))
                .hint("remove it, or say `inputs` that leave it out")
                .into())
        }
        None if path.is_symlink() => Ok(digest::of("a link to nothing")),
        _ => host.digest(&path),
    }
}

fn what(found: &Metadata) -> &'static str {
    let kind = found.file_type();
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

/// Takes the name of a file below the root, and what the file system says of it where that is asked for and cheap.
type Visitor<'a> = &'a mut dyn FnMut(String, &dyn Fn() -> Option<Metadata>) -> Result<()>;

/// A name without `*` and `?` is first of all a path: `[id].ts` is a file as well as a class. One that is a folder's stands for
/// all that is in it.
fn visit(root: &Path, pattern: &str, each: Visitor<'_>) -> Result<()> {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let name = parts.join("/");
    let plain = parts.iter().take_while(|part| !part.contains(['*', '?', '['])).count();
    let path = root.join(&name);
    let here = look(&path)?;
    let is_folder = here.as_ref().is_some_and(Metadata::is_dir);
    if plain == parts.len() && !is_folder {
        return match here {
            Some(here) if here.is_file() => each(name, &|| Some(here.clone())),
            None if !path.is_symlink() => Ok(()),
            _ => each(name, &|| None),
        };
    }
    let mut globs = Vec::new();
    if plain < parts.len() {
        let inside = if pattern.ends_with('/') { "/**/*" } else { "" };
        match glob::Pattern::new(&[&name, inside].concat()) {
            Err(_) if here.is_some() => {}
            Err(error) => return Err(Failure::usage(format!("`{pattern}` is not a glob: {error}")).into()),
            Ok(glob) => globs.push(glob),
        }
    }
    if name.contains('[') {
        let literal: String = name
            .chars()
            .map(|char| match char {
                '[' | ']' => format!("[{char}]"),
                _ => char.to_string(),
            })
            .collect();
        globs.extend(glob::Pattern::new(&literal));
    }
    if is_folder {
        let inside = if name.is_empty() { String::new() } else { glob::Pattern::escape(&name) + "/" };
        globs.extend(glob::Pattern::new(&(inside + "**/*")));
    }
    let start = parts[..plain].join("/");
    match look(&root.join(&start))? {
        Some(here) if here.is_dir() => walk(root, &start, &globs, each),
        _ => Ok(()),
    }
}

/// What is there, a link followed; none where nothing is. Errors: that cannot be seen.
fn look(path: &Path) -> Result<Option<Metadata>> {
    match path.metadata() {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            Err(error).with_context(|| format!("looking at the input `{}`", path.display()))
        }
        Err(_) => Ok(None),
    }
}

fn walk(root: &Path, folder: &str, globs: &[glob::Pattern], each: Visitor<'_>) -> Result<()> {
    const LITERAL: glob::MatchOptions = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    let listing = || format!("listing the inputs in `{}`", root.join(folder).display());
    for entry in std::fs::read_dir(root.join(folder)).with_context(listing)? {
        let entry = entry.with_context(listing)?;
        let (last, sayable) = match entry.file_name().into_string() {
            Ok(last) => (last, true),
            Err(last) => (last.to_string_lossy().into_owned(), false),
        };
        let sayable = sayable && !last.contains('\n');
        let name = if folder.is_empty() { last.clone() } else { [folder, "/", &last].concat() };
        let kind = entry.file_type().with_context(listing)?;
        let is_theirs = match kind.is_dir() {
            true => !is_left_out(folder, &last) && globs.iter().any(|glob| reaches_below(glob, &name)),
            // A linked folder is somebody else's, and may lead back here.
            false => {
                globs.iter().any(|glob| glob.matches_with(&name, LITERAL))
                    && !(kind.is_symlink() && entry.path().is_dir())
            }
        };
        if is_theirs && !sayable {
            return Err(Failure::environment(format!(
                "an input has a name that cannot be listed: `{}`",
                name.escape_debug()
            ))
            .detail("a name is UTF-8 and has no line break")
            .hint("give it another name, or say `inputs` that leave it out")
            .into());
        }
        match kind.is_dir() {
            _ if !is_theirs => {}
            true => walk(root, &name, globs, each)?,
            // Of a link this would tell about the link.
            false => each(name, &|| kind.is_file().then(|| entry.metadata().ok()).flatten())?,
        }
    }
    Ok(())
}

/// Packages, git's own files and ours.
fn is_left_out(folder: &str, name: &str) -> bool {
    name == "node_modules" || name == ".git" || folder.is_empty() && name == ".db-change"
}

fn reaches_below(glob: &glob::Pattern, folder: &str) -> bool {
    glob.as_str().contains("**") || glob.as_str().split('/').count() > folder.split('/').count()
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
        assert_eq!(names("*.ts"), Vec::<String>::new());
    }

    #[test]
    fn a_pattern_is_a_path_before_it_is_a_glob_and_a_folder_stands_for_what_is_in_it() {
        let root = tempfile::tempdir().unwrap();
        for name in ["s/a.txt", "s/[id].txt", "s/i.txt", "s/[id]/b.txt", "s/[id]/c/d.txt", ".db-change/files"] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names = |pattern: &str| super::names(root.path(), pattern).unwrap();
        let all = ["s/[id].txt", "s/[id]/b.txt", "s/[id]/c/d.txt", "s/a.txt", "s/i.txt"];
        for pattern in ["s", "s/", "./s", "s//", "./s/**/*", "s/**/*.txt", ".", "**/*"] {
            assert_eq!(names(pattern), all, "{pattern}");
        }
        assert_eq!(names("s//*.txt"), ["s/[id].txt", "s/a.txt", "s/i.txt"]);
        assert_eq!(names("./s/a.txt"), ["s/a.txt"]);
        // A file of that name must not hide those of the class.
        assert_eq!(names("s/[id].txt"), ["s/[id].txt", "s/i.txt"]);
        assert_eq!(names("s/[id]/*.txt"), ["s/[id]/b.txt"]);
        assert_eq!(names("s/[id]"), ["s/[id]/b.txt", "s/[id]/c/d.txt"]);
        assert_eq!(names("s/*/"), ["s/[id]/b.txt", "s/[id]/c/d.txt"]);
    }
}
