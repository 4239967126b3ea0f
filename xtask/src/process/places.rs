//! Where we keep things outside any work tree. Invariant: a folder is used only when it belongs to us and nobody else can
//! write in it, because programs are started and servers are copied from there.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::environment;
use crate::digest;
use crate::failure::Failure;

/// The effective user id of this process.
#[must_use]
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Fetched programs and prepared data folders. May be deleted at any time.
///
/// For root it lies outside the home, which is often closed to the user that servers run as.
#[must_use]
pub fn cache() -> PathBuf {
    if user_id() == 0 {
        return PathBuf::from("/var/cache/db-change");
    }
    base("XDG_CACHE_HOME", ".cache").join("db-change")
}

/// Private state of one repository (backups, base trees), mode 0700; created when it is not there.
pub fn state(repo: &Path) -> Result<PathBuf> {
    state_in(&base("XDG_STATE_HOME", ".local/state"), repo)
}

fn state_in(base: &Path, repo: &Path) -> Result<PathBuf> {
    let repo = repo.canonicalize().with_context(|| format!("resolving the path `{}`", repo.display()))?;
    let name = repo.file_name().map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned());
    let digest = digest::of(repo.as_os_str().as_encoded_bytes());
    let folder = base.join("db-change").join(format!("{name}-{}", &digest[..12]));
    ensure(&folder, 0o700)?;
    Ok(folder)
}

/// Creates `folder` with `mode` and its parents when missing, and refuses one that another user owns or may write in.
pub fn ensure(folder: &Path, mode: u32) -> Result<()> {
    let failed = |what: &str, error: std::io::Error| {
        Failure::environment(format!("cannot {what} the folder `{}`: {error}", folder.display()))
    };
    if let Err(error) = DirBuilder::new().recursive(true).mode(mode).create(folder) {
        return Err(failed("create", error).into());
    }
    let found = folder.metadata().map_err(|error| failed("read", error))?;
    if found.uid() != user_id() {
        return Err(Failure::environment(format!("the folder belongs to another user: `{}`", folder.display())).into());
    }
    // An earlier, laxer mode or a strange umask: ours to mend, since the folder is ours.
    if found.mode() & 0o777 != mode {
        std::fs::set_permissions(folder, Permissions::from_mode(mode)).map_err(|error| failed("restrict", error))?;
    }
    Ok(())
}

/// Where Linux keeps files in memory.
pub const TMPFS: &str = "/dev/shm";

/// Bytes that are free for files in memory: free in the tmpfs, available in the machine, left to our container.
#[must_use]
pub fn memory_room() -> Option<u64> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let mounted = mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next() == Some(TMPFS) && fields.next() == Some("tmpfs")
    });
    let free = mounted.then(|| rustix::fs::statvfs(TMPFS).ok())?.map(|found| found.f_bavail * found.f_frsize)?;
    let memory = std::fs::read_to_string("/proc/meminfo").ok()?;
    let available = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let available = available.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024;
    let number = |file: &str| std::fs::read_to_string(file).ok()?.trim().parse::<u64>().ok();
    let (limit, used) = (number("/sys/fs/cgroup/memory.max"), number("/sys/fs/cgroup/memory.current"));
    let left = limit.zip(used).map_or(u64::MAX, |(limit, used)| limit.saturating_sub(used));
    Some(free.min(available).min(left))
}

/// An XDG base folder; a relative value is ignored, as the XDG Base Directory Specification asks.
fn base(variable: &str, below_home: &str) -> PathBuf {
    let absolute = |name: &str| environment::var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(variable)
        .or_else(|| absolute("HOME").map(|home| home.join(below_home)))
        .unwrap_or_else(|| std::env::temp_dir().join(format!("db-change-home-{}", user_id())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_repository_has_its_own_private_state() {
        let home = tempfile::tempdir().unwrap();
        let repo = |name: &str| {
            let path = home.path().join(name).join("shop");
            std::fs::create_dir_all(&path).unwrap();
            state_in(&home.path().join("state"), &path).unwrap()
        };
        let (one, two) = (repo("a"), repo("b"));
        assert_ne!(one, two);
        assert!(one.file_name().unwrap().to_string_lossy().starts_with("shop-"));
        assert_eq!(one.metadata().unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_with_a_lax_mode_is_restricted() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("lax");
        std::fs::create_dir(&folder).unwrap();
        std::fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        ensure(&folder, 0o755).unwrap();
        assert_eq!(folder.metadata().unwrap().mode() & 0o777, 0o755);
    }
}
