//! Servers whose owner was killed: found by the lock that nobody holds any more, stopped, and their folders removed.
//!
//! Invariant: a process is signalled only when its command line says that it is a server on that very folder.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal};

use super::folder;
use crate::process::{Run, places};

/// A folder without an owner file is either being made right now or left over; its age tells.
const SETTLED: Duration = Duration::from_secs(60);

/// Stops the servers of dead owners and removes their folders; how many were removed.
pub fn sweep() -> Result<usize> {
    let mut removed = 0;
    for base in folder::bases() {
        removed += sweep_in(&base)?;
    }
    Ok(removed)
}

pub(super) fn sweep_in(base: &Path) -> Result<usize> {
    let Ok(entries) = std::fs::read_dir(base) else { return Ok(0) };
    let (mut removed, prefix) = (0, folder::prefix());
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(&prefix) && is_ours(&entry.path()) && remove(&entry.path())? {
            removed += 1;
        }
    }
    Ok(removed)
}

/// Other users can make entries in these places too; theirs, and links, are not touched.
fn is_ours(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_dir() && found.uid() == places::user_id())
}

fn remove(path: &Path) -> Result<bool> {
    let owner = match File::open(path.join("owner")) {
        Ok(owner) => match owner.try_lock() {
            // Held until the folder is gone, so that a second sweep leaves it to us.
            Ok(()) => Some(owner),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return Ok(false),
        },
        Err(_) if age(path).is_none_or(|age| age < SETTLED) => return Ok(false),
        Err(_) => None,
    };
    stop(&path.join("data"));
    let removed = std::fs::remove_dir_all(path);
    drop(owner);
    if path.exists() {
        removed.with_context(|| format!("removing the folder of a left-over server: `{}`", path.display()))?;
    }
    Ok(true)
}

fn age(path: &Path) -> Option<Duration> {
    path.metadata().ok()?.modified().ok()?.elapsed().ok()
}

/// Ends the server that runs on `data`, if there is one: QUIT (the server ends its own children), then KILL.
fn stop(data: &Path) {
    let Some(server) = server_on(data) else { return };
    for (signal, patience) in [(Signal::QUIT, Duration::from_secs(8)), (Signal::KILL, Duration::from_secs(2))] {
        // It may have ended in the meantime: that is what we want.
        let _ = rustix::process::kill_process(server, signal);
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if server_on(data) != Some(server) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The process of the server on `data`: named by postmaster.pid and confirmed by its command line.
fn server_on(data: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let id: i32 = text.lines().next()?.trim().parse().ok()?;
    let pid = Pid::from_raw(id)?;
    let args = arguments(id)?;
    args.contains(&data.to_string_lossy().into_owned()).then_some(pid)
}

fn arguments(id: i32) -> Option<Vec<String>> {
    if let Ok(bytes) = std::fs::read(PathBuf::from(format!("/proc/{id}/cmdline"))) {
        return Some(bytes.split(|byte| *byte == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect());
    }
    if Path::new("/proc/self").exists() {
        return None;
    }
    // macOS; our folders hold no spaces.
    let output = Run::new("ps", "/").args(["-o", "command=", "-p", &id.to_string()]).run().ok()?;
    Some(output.stdout.split_whitespace().map(str::to_owned).collect())
}
