//! One runner per work tree: an OS file lock, which the system frees when its holder dies.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::folder::{Home, now};
use crate::failure::{Failure, Kind};

/// Held for as long as the value lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock or fails at once with exit 5, naming the holder.
pub fn take(home: &Home, doing: &str) -> Result<Lock> {
    home.create()?;
    let path = home.path().join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("opening the lock `{}`", path.display()))?;
    let holder = home.path().join("holder");
    let mut taken = file.try_lock();
    for _ in 0..5 {
        if !matches!(taken, Err(TryLockError::WouldBlock)) {
            break;
        }
        // Someone may only be looking (see `is_free`), which is over at once.
        std::thread::sleep(Duration::from_millis(10));
        taken = file.try_lock();
    }
    match taken {
        Ok(()) => {
            let text = format!("process {}, since {}: {doing}", std::process::id(), now());
            write(&holder, text.as_bytes()).with_context(|| format!("writing `{}`", holder.display()))?;
            Ok(Lock { _file: file })
        }
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
