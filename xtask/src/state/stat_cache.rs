//! Digests of files, kept under what the file system says of each: device, inode, size, time of the content and of the inode.
//! A file of which all that is as it was need not be read again.
//!
//! Invariant: a file that was written to looks changed. Nobody can set the inode's time back (`utimes` sets it to now), and a
//! file is kept only when both its times are older than the session that read it, by the file system's own clock: whatever is
//! written after that has another time, however coarse the clock. What is missing, damaged, of another hand or of another
//! version is no cache.
//!
//! Not seen: what a program stores through a shared, writable mapping in a page that it had stored to before the file was read
//! and that has not been written back since; the system sets the times at the first such store. Editors, compilers and git
//! write otherwise.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;
use tempfile::NamedTempFile;

use super::seal;

/// Says what the lines mean.
const FORMAT: &str = "db-change files 1";

/// `.db-change/files`: a line that seals the rest, then one a file.
#[derive(Debug)]
pub struct StatCache {
    root: PathBuf,
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// None until somebody asks.
    entries: Option<HashMap<Box<str>, Entry>>,
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
    stamp: Stamp,
    /// The kind of the digest, a space, the digest.
    made: Box<str>,
    used: bool,
}

impl Entry {
    fn digest(&self, kind: &str) -> Option<&str> {
        self.made.strip_prefix(kind)?.strip_prefix(' ')
    }
}

/// Everything that the file system says of the content: device, inode, size, seconds and nanoseconds of both times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp([i64; 7]);

impl Stamp {
    #[must_use]
    pub fn of(file: &Metadata) -> Stamp {
        let [device, inode, size] = [file.dev(), file.ino(), file.size()].map(u64::cast_signed);
        Stamp([device, inode, size, file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()])
    }

    /// The later of the two times.
    fn newest(&self) -> (i64, i64) {
        let [.., content, content_ns, inode, inode_ns] = self.0;
        (content, content_ns).max((inode, inode_ns))
    }
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

    /// The digest of a file of which the file system says this, where it is kept.
    pub fn known(&self, file: &Path, kind: &str, found: &Metadata) -> Option<String> {
        let mut inner = self.inner.lock().ok()?;
        let entries = inner.entries.get_or_insert_with(|| load(&self.path));
        let entry = entries.get_mut(self.name(file)?).filter(|entry| entry.stamp == Stamp::of(found))?;
        let digest = entry.digest(kind)?.to_owned();
        entry.used = true;
        Some(digest)
    }

    /// The digest of a file; `read` makes it where it is not kept. `kind` names how it is made, one word.
    pub fn digest(&self, file: &Path, kind: &str, read: impl FnOnce() -> Result<String>) -> Result<String> {
        let (Some(name), Ok(before)) = (self.name(file), fs::metadata(file)) else { return read() };
        if let Some(known) = self.known(file, kind, &before) {
            return Ok(known);
        }
        if let Ok(mut inner) = self.inner.lock() {
            inner.session.begin(&self.path);
        }
        // Others may look things up while this one is read.
        let digest = read()?;
        let stamp = Stamp::of(&before);
        if let Ok(after) = fs::metadata(file)
            && let Ok(mut inner) = self.inner.lock()
            && inner.session.keeps(&stamp, &Stamp::of(&after))
            && let Some(entries) = &mut inner.entries
        {
            entries.insert(name.into(), Entry { stamp, made: format!("{kind} {digest}").into(), used: true });
        }
        Ok(digest)
    }

    /// A file's name in the cache; none for a file elsewhere, or with a name that no line can hold.
    fn name<'f>(&self, file: &'f Path) -> Option<&'f str> {
        let below = file.as_os_str().as_bytes().strip_prefix(self.root.as_os_str().as_bytes())?;
        std::str::from_utf8(below.strip_prefix(b"/")?).ok().filter(|name| !name.contains('\n'))
    }

    /// Writes what the session added. Nothing depends on it: a cache that cannot be written is done without.
    pub fn close(&self) {
        let Ok(mut inner) = self.inner.lock() else { return };
        if let Session::Reading { file, kept: true, .. } = std::mem::take(&mut inner.session) {
            let entries = inner.entries.iter().flatten();
            let there = |name: &str| self.root.join(name).symlink_metadata().is_ok();
            let lines: String = entries
                .filter(|(name, entry)| entry.used || there(name))
                .map(|(name, entry)| {
                    let stamp = entry.stamp.0.map(|number| number.to_string()).join(" ");
                    format!("{stamp} {} {name}\n", entry.made)
                })
                .collect();
            let Ok(key) = seal::key(folder_of(&self.path)) else { return };
            let text = format!("{FORMAT} {}\n{lines}", seal::keyed(&key, &[lines.as_bytes()]));
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
        let file = tempfile::Builder::new().prefix(".writing-").tempfile_in(folder_of(path)).ok();
        *self = match file.and_then(|file| Some((file.as_file().metadata().ok()?, file))) {
            Some((made, file)) => Session::Reading { file, began: (made.mtime(), made.mtime_nsec()), kept: false },
            None => Session::None,
        };
    }

    /// Whether a file that was read between these two looks may be known by them.
    fn keeps(&mut self, before: &Stamp, after: &Stamp) -> bool {
        let Session::Reading { began, kept, .. } = self else { return false };
        let keeps = before.newest() < *began && before == after;
        *kept |= keeps;
        keeps
    }
}

fn load(path: &Path) -> HashMap<Box<str>, Entry> {
    let read = || parse(&fs::read_to_string(path).ok()?, &seal::known_key(folder_of(path))?);
    read().unwrap_or_default()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn parse(text: &str, key: &[u8]) -> Option<HashMap<Box<str>, Entry>> {
    let (head, lines) = text.split_once('\n')?;
    if head.strip_prefix(FORMAT)?.trim_start() != seal::keyed(key, &[lines.as_bytes()]) {
        return None;
    }
    // Each line is longer than this.
    let mut entries = HashMap::with_capacity(lines.len() / 100);
    for text in lines.lines() {
        let (name, entry) = line(text)?;
        entries.insert(name, entry);
    }
    Some(entries)
}

/// `device inode size mtime mtime_ns ctime ctime_ns kind digest name`
fn line(line: &str) -> Option<(Box<str>, Entry)> {
    let (mut stamp, mut rest) = ([0; 7], line);
    for number in &mut stamp {
        let (word, after) = rest.split_once(' ')?;
        *number = word.parse().ok()?;
        rest = after;
    }
    let end = rest.match_indices(' ').nth(1)?.0;
    Some((rest[end + 1..].into(), Entry { stamp: Stamp(stamp), made: rest[..end].into(), used: false }))
}

#[cfg(test)]
#[path = "stat_cache_tests.rs"]
mod tests;
