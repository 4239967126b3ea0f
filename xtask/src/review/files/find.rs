//! Paths, folders and globs as files; what a git range adds or changes.
//!
//! Invariant: what was named and is not there, or holds nothing, is an error. Folders behind a link, hidden ones and those of packages
//! and builds are not looked into.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};

use crate::failure::Failure;
use crate::repo::git;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// By its own name: reviewed whatever it is.
    Named,
    /// In a folder, by a glob.
    Walked,
    /// In a git range.
    Changed,
}

#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Absolute, without `.` and `..`.
    pub(super) path: PathBuf,
    pub(super) how: How,
    /// Where it is not what lies on the disk.
    pub(super) text: Option<String>,
}

const SKIPPED: &[&str] = &["node_modules", "target"];

/// The files that these words mean, each once, in their order.
pub(super) fn find(here: &Path, words: &[PathBuf]) -> Result<Vec<Found>> {
    let mut found: Vec<Found> = Vec::new();
    let mut places: HashMap<PathBuf, usize> = HashMap::new();
    for word in words {
        let path = plain(&here.join(word));
        let mut add = |path: PathBuf, how: How| match places.get(&path) {
            Some(place) if how == How::Named => found[*place].how = how,
            Some(_) => {}
            None => {
                places.insert(path.clone(), found.len());
                found.push(Found { path, how, text: None });
            }
        };
        let mut any = false;
        if path.is_dir() {
            for path in walk(&path)? {
                any = true;
                add(path, How::Walked);
            }
        } else if path.exists() {
            any = true;
            add(path.clone(), How::Named);
        } else if word.to_string_lossy().contains(['*', '?', '[']) {
            for path in matching(here, word)? {
                any = true;
                add(path, How::Walked);
            }
        }
        if !any {
            return Err(nothing(&path, word).into());
        }
    }
    Ok(found)
}

fn nothing(path: &Path, word: &Path) -> Failure {
    let shown = word.display();
    if path.is_dir() {
        Failure::usage(format!("nothing to review: there is no SQL file in `{shown}`"))
            .hint("name the folder that holds the migrations, or the files themselves")
    } else if word.to_string_lossy().contains(['*', '?', '[']) {
        Failure::usage(format!("nothing to review: no SQL file matches `{shown}`"))
            .hint("`*` stands for part of a name, `**` for any folders: `db/**/*.sql`, in quotes")
    } else {
        Failure::usage(format!("there is no `{shown}`")).hint("paths count from the current folder")
    }
}

fn is_skipped(folder: &str) -> bool {
    folder.starts_with('.') || SKIPPED.contains(&folder)
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("sql"))
}

/// The SQL files below a folder, by name.
pub(super) fn walk(folder: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("reading `{}`", folder.display());
    let mut entries =
        fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>).with_context(reading)?;
    entries.sort_by_cached_key(fs::DirEntry::file_name);
    let mut found = Vec::new();
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type().with_context(reading)?;
        if kind.is_dir() {
            if !is_skipped(&name) {
                found.extend(walk(&path)?);
            }
        } else if is_sql(&path) && (kind.is_file() || path.is_file()) {
            found.push(path);
        }
    }
    Ok(found)
}

fn matching(here: &Path, word: &Path) -> Result<Vec<PathBuf>> {
    let pattern = Path::new(&glob::Pattern::escape(&here.to_string_lossy())).join(word);
    let pattern = pattern.to_string_lossy();
    let paths = glob::glob(&pattern)
        .map_err(|error| Failure::usage(format!("`{}` is not a pattern: {}", word.display(), error.msg)))?;
    // As with a folder, unless the pattern itself names such a one.
    let named = |part: &str| word.components().any(|word| word.as_os_str() == part);
    let skipped = |path: &Path| {
        let inside = path.strip_prefix(here).unwrap_or(path);
        let mut folders = inside.components().filter_map(|part| part.as_os_str().to_str());
        folders.any(|part| is_skipped(part) && !named(part))
    };
    let paths = paths.flatten().filter(|path| is_sql(path) && path.is_file()).map(|path| plain(&path));
    Ok(paths.filter(|path| !skipped(path)).collect())
}

/// The SQL files that a range adds or changes, as they are at its end.
pub(super) fn changed(here: &Path, range: &str, words: &[PathBuf]) -> Result<Vec<Found>> {
    let root = git::root(here).map_err(|_| {
        Failure::usage(format!("`--changed {range}` needs a git repository, and `{}` is in none", here.display()))
            .hint("name the files instead: cargo xtask review db/migrations")
    })?;
    let (from, to, three) = match (range.split_once("..."), range.split_once("..")) {
        (Some((from, to)), _) => (from, to, true),
        (None, Some((from, to))) => (from, to, false),
        (None, None) => (range, "HEAD", false),
    };
    let (mut from, to) = (commit(&root, or_head(from), range)?, commit(&root, or_head(to), range)?);
    if three {
        let base = git::try_git(&root, &["merge-base", &from, &to])?;
        if !base.success() {
            return Err(Failure::usage(format!("the two ends of `{range}` have no commit in common here"))
                .hint("a shallow clone lacks it: fetch more (`git fetch --unshallow`; actions/checkout: `fetch-depth: 0`)")
                .into());
        }
        base.stdout.trim().clone_into(&mut from);
    }
    let mut args: Vec<String> =
        ["diff", "--name-only", "--no-renames", "--diff-filter=AMT", "-z"].map(str::to_owned).into();
    args.extend([from, to.clone(), "--".to_owned()]);
    args.extend(words.iter().map(|word| plain(&here.join(word)).display().to_string()));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let listed = git::git(&root, &args)?;
    let mut found = Vec::new();
    for name in listed.split('\0').filter(|name| is_sql(Path::new(name))) {
        let path = root.join(name);
        // The work tree may be of another commit, or edited.
        let same = path.is_file() && git::try_git(&root, &["diff", "--quiet", &to, "--", name])?.success();
        let text = if same { None } else { git::file_at(&root, &to, name)? };
        found.push(Found { path: plain(&path), how: How::Changed, text });
    }
    Ok(found)
}

fn or_head(end: &str) -> &str {
    if end.is_empty() { "HEAD" } else { end }
}

fn commit(root: &Path, name: &str, range: &str) -> Result<String> {
    let output =
        git::try_git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{name}^{{commit}}")])?;
    if output.success() {
        return Ok(output.stdout.trim().to_owned());
    }
    let failure = Failure::usage(format!("`--changed {range}`: there is no commit `{name}` in this repository"));
    let hint = if name.len() >= 40 && name.bytes().all(|byte| byte == b'0') {
        "that stands for the time before a branch's first push: compare with the base branch, `origin/main...HEAD`"
    } else {
        "fetch it (`git fetch`; actions/checkout: `fetch-depth: 0`), or correct the name"
    };
    Err(failure.hint(hint).into())
}

/// Without `.` and `..`, by its words alone.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// A file's text.
///
/// Errors (usage): it is none.
pub(super) fn read(path: &Path, shown: &Path) -> Result<String> {
    let bytes =
        fs::read(path).map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", shown.display())))?;
    let not_text = |why: String| {
        Failure::usage(format!("`{}` is not a file of text: {why}", shown.display()))
            .hint("write it as UTF-8 (`iconv -t UTF-8`), or leave it out: what cannot be read is not judged")
    };
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(not_text("it begins as UTF-16 does".to_owned()).into());
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| not_text(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to() + 1)))?;
    match text.find('\0') {
        Some(at) => Err(not_text(format!("byte {} is zero", at + 1)).into()),
        None => Ok(text),
    }
}
