//! One runner per work tree: an OS file lock, which the system frees when its holder dies.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::folder::{Home, now};
use crate::failure::{Failure, Kind};

/// Held for as long as the value lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Whether the file in its place is still the one that is locked: another one keeps nobody away.
    #[must_use]
    pub fn is_held(&self) -> bool {
        is_at(&self.file, &self.path)
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let (Ok(held), Ok(there)) = (file.metadata(), path.metadata()) else { return false };
    (held.dev(), held.ino()) == (there.dev(), there.ino())
}

/// The failure of a run whose lock is gone.
#[must_use]
pub fn lost() -> Failure {
    Failure::new(Kind::Busy, "the lock was removed under this run")
        .detail("another one may have begun beside it, so that this one writes nothing more")
        .hint("leave `.db-change` alone while a run is at work; go on once none is: cargo xtask db-change")
}

/// Takes the lock or fails at once with exit 5, naming the holder.
pub fn take(home: &Home, doing: &str) -> Result<Lock> {
    home.create()?;
    let path = home.path().join("lock");
    let open = || {
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        file.with_context(|| format!("opening the lock `{}`", path.display()))
    };
    let mut file = open()?;
    let holder = home.path().join("holder");
    let mut taken = file.try_lock();
    for _ in 0..5 {
        match taken {
            Ok(()) if is_at(&file, &path) => break,
            // Removed between the opening and the locking: whoever comes next finds another one.
            Ok(()) => file = open()?,
            // Someone may only be looking (see `is_free`), which is over at once.
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            Err(TryLockError::Error(_)) => break,
        }
        taken = file.try_lock();
    }
    match taken {
        Ok(()) if is_at(&file, &path) => {
            let text = format!("process {}, since {}: {doing}", std::process::id(), now());
            write(&holder, text.as_bytes()).with_context(|| format!("writing `{}`", holder.display()))?;
            Ok(Lock { file, path })
        }
        Ok(()) => Err(lost().into()),
        Err(TryLockError::WouldBlock) => Err(busy(&holder).into()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking `{}`", path.display())),
    }
}

/// For people, and for as long as the lock is held: worth no wait for the disk. Not cut first, which would start one (ext4).
fn write(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)
}

/// Whether no runner is at work; for those who only read.
#[must_use]
pub fn is_free(home: &Home) -> bool {
    File::open(home.path().join("lock")).is_ok_and(|file| file.try_lock_shared().is_ok())
}

fn busy(holder: &Path) -> Failure {
    let who = std::fs::read_to_string(holder).unwrap_or_else(|_| "unknown".to_owned());
    Failure::new(Kind::Busy, "another run is at work in this work tree")
        .detail(format!("holder: {who}"))
        .hint("wait until it ends, or see what it does: `cargo xtask db-change status`")
}
