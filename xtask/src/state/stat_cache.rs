//! Digests of files, kept under what the file system says of each: device, inode, size, time of the content and of the inode.
//! A file of which all that is as it was need not be read again.
//!
//! Invariant: a changed file never looks unchanged. Nobody can set the inode's time back (`utimes` sets it to now), and a file
//! is kept only when both its times are older than the session that read it, by the file system's own clock: whatever is
//! written after that has another time, however coarse the clock. What is missing, damaged or of another version is no cache.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;
use tempfile::NamedTempFile;

use crate::digest;

/// Says what the lines mean.
const FORMAT: &str = "db-change files 1";

/// `.db-change/files`: a line with a digest of the rest, then one a file.
#[derive(Debug)]
pub struct StatCache {
    root: PathBuf,
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// None until somebody asks.
    entries: Option<HashMap<String, Entry>>,
    session: Session,
}

/// What is read in it is kept. Its file was made before the first reading, so that its time is that of the beginning, and
/// becomes the cache at the end.
#[derive(Debug, Default)]
enum Session {
    /// Only looks, writes nothing.
    #[default]
    None,
    /// Nothing had to be read yet.
    Open,
    Reading {
        file: NamedTempFile,
        began: (i64, i64),
        kept: bool,
    },
}

#[derive(Debug)]
struct Entry {
    stamp: String,
    digest: String,
    used: bool,
}

impl StatCache {
    #[must_use]
    pub fn at(root: &Path) -> Self {
        StatCache {
            root: root.to_owned(),
            path: root.join(".db-change").join("files"),
            inner: Mutex::new(Inner::default()),
        }
    }

    /// From here on what is read is kept for the next time. For a holder of the lock.
    pub fn open(&self) {
        if let Ok(mut inner) = self.inner.lock() {
            inner.session = Session::Open;
        }
    }

    /// The digest of a file; `read` makes it where it is not known. `kind` names how it is made, one word.
    pub fn digest(&self, file: &Path, kind: &str, read: impl FnOnce() -> Result<String>) -> Result<String> {
        let name = file.strip_prefix(&self.root).ok().and_then(Path::to_str).filter(|name| !name.contains('\n'));
        let (Some(name), Ok(before)) = (name, fs::metadata(file)) else { return read() };
        let stamp = stamp(kind, &before);
        let Ok(mut inner) = self.inner.lock() else { return read() };
        let entry = inner.entries.get_or_insert_with(|| load(&self.path)).get_mut(name);
        if let Some(entry) = entry.filter(|entry| entry.stamp == stamp) {
            entry.used = true;
            return Ok(entry.digest.clone());
        }
        inner.session.begin(&self.path);
        // Others may look things up while this one is read.
        drop(inner);
        let digest = read()?;
        let after = fs::metadata(file);
        if let Ok(mut inner) = self.inner.lock()
            && let Ok(after) = after
            && inner.session.keeps(&before, &after)
            && let Some(entries) = &mut inner.entries
        {
            entries.insert(name.to_owned(), Entry { stamp, digest: digest.clone(), used: true });
        }
        Ok(digest)
    }

    /// Writes what the session added. Nothing depends on it: a cache that cannot be written is done without.
    pub fn close(&self) {
        let Ok(mut inner) = self.inner.lock() else { return };
        if let Session::Reading { file, kept: true, .. } = std::mem::take(&mut inner.session) {
            let entries = inner.entries.iter().flatten();
            let there = |name: &str| self.root.join(name).symlink_metadata().is_ok();
            let lines: String = entries
                .filter(|(name, entry)| entry.used || there(name))
                .map(|(name, entry)| format!("{} {} {name}\n", entry.stamp, entry.digest))
                .collect();
            let text = format!("{FORMAT} {}\n{lines}", digest::of(&lines));
            if fs::write(file.path(), text).is_ok() {
                let _ = file.persist(&self.path);
            }
        }
    }
}

impl Session {
    fn begin(&mut self, path: &Path) {
        if !matches!(self, Session::Open) {
            return;
        }
        let folder = path.parent().unwrap_or(path);
        let file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder).ok();
        *self = match file.and_then(|file| Some((file.as_file().metadata().ok()?, file))) {
            Some((made, file)) => Session::Reading { file, began: (made.mtime(), made.mtime_nsec()), kept: false },
            None => Session::None,
        };
    }

    /// Whether a file that was read between these two looks may be known by them.
    fn keeps(&mut self, before: &Metadata, after: &Metadata) -> bool {
        let Session::Reading { began, kept, .. } = self else { return false };
        let newest = (before.mtime(), before.mtime_nsec()).max((before.ctime(), before.ctime_nsec()));
        let keeps = newest < *began && stamp("", before) == stamp("", after);
        *kept |= keeps;
        keeps
    }
}

/// Everything that the file system says of the content, and how its digest is made.
fn stamp(kind: &str, of: &Metadata) -> String {
    format!(
        "{kind} {} {} {} {}.{} {}.{}",
        of.dev(),
        of.ino(),
        of.size(),
        of.mtime(),
        of.mtime_nsec(),
        of.ctime(),
        of.ctime_nsec()
    )
}

fn load(path: &Path) -> HashMap<String, Entry> {
    fs::read_to_string(path).ok().and_then(|text| parse(&text)).unwrap_or_default()
}

fn parse(text: &str) -> Option<HashMap<String, Entry>> {
    let (head, lines) = text.split_once('\n')?;
    if head.strip_prefix(FORMAT)?.trim_start() != digest::of(lines) {
        return None;
    }
    lines.lines().map(line).collect()
}

/// `kind device inode size mtime ctime digest name`
fn line(line: &str) -> Option<(String, Entry)> {
    const WORDS: usize = 6;
    let end = line.match_indices(' ').nth(WORDS - 1)?.0;
    let (digest, name) = line[end + 1..].split_once(' ')?;
    Some((name.to_owned(), Entry { stamp: line[..end].to_owned(), digest: digest.to_owned(), used: false }))
}

#[cfg(test)]
#[path = "stat_cache_tests.rs"]
mod tests;
