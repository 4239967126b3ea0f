//! Filling the cache: a folder appears in it whole or not at all (made beside, then renamed), so that any number of processes
//! may make the same one at once, and one that is killed leaves nothing that counts.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::places;
use crate::failure::Failure;

/// What folders that are still being filled are called; `clean` removes the ones that a crash left.
const BUILDING: &str = ".building-";

/// A private folder inside the cache, for work that is renamed into place at the end.
pub fn building(cache: &Path) -> Result<TempDir> {
    places::ensure(cache, 0o755)?;
    clean(cache);
    let made = tempfile::Builder::new().prefix(BUILDING).tempdir_in(cache);
    made.with_context(|| format!("creating a folder in `{}`", cache.display()))
}

/// Removes what crashed processes left half-built; a day is longer than any build takes.
fn clean(cache: &Path) {
    let old = |entry: &std::fs::DirEntry| {
        let age = entry.metadata().ok().and_then(|found| found.modified().ok()).and_then(|time| time.elapsed().ok());
        entry.file_name().to_string_lossy().starts_with(BUILDING)
            && age.is_some_and(|age| age > Duration::from_secs(86_400))
    };
    for entry in std::fs::read_dir(cache).into_iter().flatten().flatten().filter(old) {
        // Another process may be at it too; what stays is tried again next time.
        let _ = std::fs::remove_dir_all(entry.path());
    }
}

/// Renames `made` to `target`. When another process was faster, its result stands; a broken one is replaced.
pub fn put_in_place(made: &Path, target: &Path, whole: impl Fn() -> bool) -> Result<()> {
    for _ in 0..3 {
        match std::fs::rename(made, target) {
            Ok(()) => return Ok(()),
            Err(_) if whole() => return Ok(()),
            Err(error) if !target.exists() => {
                return Err(error).with_context(|| format!("moving a finished folder to `{}`", target.display()));
            }
            // Moved aside first, so that nobody ever sees it half removed.
            Err(_) => {
                let aside = made.with_extension("broken");
                if std::fs::rename(target, &aside).is_ok() {
                    std::fs::remove_dir_all(&aside).with_context(|| format!("removing `{}`", aside.display()))?;
                }
            }
        }
    }
    Err(Failure::environment(format!("a folder in the cache is broken and cannot be replaced: `{}`", target.display()))
        .hint(format!("remove it: `rm -r '{}'`", target.display()))
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_folder_replaces_a_broken_one_and_gives_way_to_a_whole_one() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("target");
        let make = |name: &str, text: &str| {
            std::fs::create_dir(root.path().join(name)).unwrap();
            std::fs::write(root.path().join(name).join("file"), text).unwrap();
            root.path().join(name)
        };
        make("target", "broken");
        let content = || std::fs::read_to_string(target.join("file")).unwrap_or_default();
        let whole = || content().starts_with("whole");
        put_in_place(&make("one", "whole, first"), &target, whole).unwrap();
        put_in_place(&make("two", "whole, second"), &target, whole).unwrap();
        assert_eq!(content(), "whole, first");
    }
}
