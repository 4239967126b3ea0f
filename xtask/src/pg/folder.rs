//! The folder of one throw-away server, and the proof that somebody still owns it.
//!
//! The owner holds a lock on the file `owner` for as long as it lives. The kernel lets go of it however the owner ends, so a
//! lock that can be taken means that the owner is dead: no process id that may have been given out again, no clock.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::failure::Failure;
use crate::process::account::Account;
use crate::process::places;

/// The longest path that fits into `sockaddr_un` on every system (104 bytes on macOS), less the file name.
const SOCKET_FOLDER_LIMIT: usize = 80;

/// A folder that is removed on drop: `owner`, `log`, `data/` (PGDATA) and `s/` (the socket, outside PGDATA because
/// pg_basebackup would copy its lock file).
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    on_tmpfs: bool,
    _owner: File,
}

impl Folder {
    /// Makes a folder in memory when `bytes` take less than a quarter of what is free there, else on disk.
    pub fn claim(bytes: u64, account: Option<&Account>) -> Result<Folder> {
        let in_memory =
            places::memory_room().is_some_and(|room| bytes < room / 4).then(|| (PathBuf::from(places::TMPFS), true));
        let on_disk = [std::env::temp_dir(), PathBuf::from("/tmp")].map(|base| (base, false));
        let mut last = None;
        for (base, on_tmpfs) in in_memory.into_iter().chain(on_disk) {
            if account.is_some() && !open_to_all(&base) {
                continue;
            }
            match Folder::claim_in(&base, on_tmpfs, account) {
                Ok(folder) if folder.sockets().as_os_str().len() <= SOCKET_FOLDER_LIMIT => return Ok(folder),
                Ok(folder) => {
                    last = Some(
                        Failure::environment(format!("the path is too long for a socket: `{}`", folder.path.display()))
                            .into(),
                    )
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| Failure::environment("no temporary folder that every user may enter").into()))
    }

    /// Makes a folder below `base`.
    pub fn claim_in(base: &Path, on_tmpfs: bool, account: Option<&Account>) -> Result<Folder> {
        let failed = |error: std::io::Error| {
            Failure::environment(format!("cannot make a folder for a server in `{}`: {error}", base.display()))
        };
        let made = tempfile::Builder::new().prefix(&prefix()).rand_bytes(8).tempdir_in(base).map_err(failed)?;
        // Locked under another name first: a sweep must never see an owner that does not hold its lock yet.
        let unlocked = made.path().join("owner.new");
        let mut owner = File::create_new(&unlocked).map_err(failed)?;
        owner.lock().map_err(failed)?;
        writeln!(owner, "{}", std::process::id()).map_err(failed)?;
        std::fs::rename(&unlocked, made.path().join("owner")).map_err(failed)?;
        let folder = Folder { path: made.keep(), on_tmpfs, _owner: owner };
        folder.private_subfolder(&folder.sockets(), account)?;
        if account.is_some() {
            // The server's user must pass through; what it may not touch is ours, and what others may not is 0700.
            std::fs::set_permissions(&folder.path, Permissions::from_mode(0o711)).map_err(failed)?;
        }
        Ok(folder)
    }

    fn private_subfolder(&self, path: &Path, account: Option<&Account>) -> Result<()> {
        std::fs::create_dir(path).with_context(|| format!("creating `{}`", path.display()))?;
        std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
        if let Some(account) = account {
            chown(path, Some(account.uid), Some(account.gid))
                .with_context(|| format!("giving `{}` away", path.display()))?;
        }
        Ok(())
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    #[must_use]
    pub fn on_tmpfs(&self) -> bool {
        self.on_tmpfs
    }

    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    #[must_use]
    pub fn sockets(&self) -> PathBuf {
        self.path.join("s")
    }

    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join("log")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next sweep.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Where folders may lie, for the sweep.
#[must_use]
pub fn bases() -> Vec<PathBuf> {
    let mut bases = vec![PathBuf::from(places::TMPFS), std::env::temp_dir(), PathBuf::from("/tmp")];
    bases.dedup();
    bases
}

/// What our folders' names start with; the user is part of it because the bases are shared.
#[must_use]
pub fn prefix() -> String {
    format!("db-change-{}-", places::user_id())
}

/// Whether every user may pass through `path` and what lies above it.
fn open_to_all(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| {
        path.ancestors().all(|folder| folder.metadata().is_ok_and(|found| found.permissions().mode() & 0o001 != 0))
    })
}
