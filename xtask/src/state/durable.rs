//! Writing a file so that a crash leaves the old content or the new one, never a part of either.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// Temp file in the same folder → fsync → rename → fsync of the folder.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().with_context(|| format!("`{}` has no folder", path.display()))?;
    let mut temp = tempfile::Builder::new()
        .prefix(".writing-")
        .tempfile_in(folder)
        .with_context(|| format!("writing in `{}`", folder.display()))?;
    temp.write_all(content).with_context(|| format!("writing `{}`", path.display()))?;
    temp.as_file().sync_all().with_context(|| format!("syncing `{}`", path.display()))?;
    temp.persist(path).with_context(|| format!("replacing `{}`", path.display()))?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("syncing `{}`", folder.display()))
}

/// Creates a folder and its parents.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("creating the folder `{}`", path.display()))
}
