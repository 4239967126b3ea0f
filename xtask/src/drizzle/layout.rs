//! How a migrations folder is laid out, and what that means for everything that reads or writes it: the journal and numbered files of
//! drizzle-kit 0.x, or the folders of 1.x.
//!
//! Invariant: nobody else asks which of the two it is. A folder that is both, or that does not fit the drizzle-kit which is
//! installed, is told and not used: the other kit would begin a second history in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use super::{folders, journal, rollback_file};
use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// `meta/_journal.json`, `meta/NNNN_snapshot.json`, `<tag>.sql`: drizzle-kit 0.x.
    Journal,
    /// `<tag>/migration.sql`, `<tag>/snapshot.json`: drizzle-kit 1.x.
    Folders,
}

impl Layout {
    /// The layout of a migrations folder; of an empty one, that of the drizzle-kit which is installed for it.
    ///
    /// Errors (usage): it is both, or another than the installed drizzle-kit works on.
    pub fn of(out: &Path) -> Result<Layout> {
        let shown = out.display();
        let journal = journal::path(out).is_file();
        let in_folders = subfolders(out).iter().any(|folder| folders::is_migration(folder));
        let installed = installed(out);
        match (journal, in_folders) {
            (true, true) => Err(Failure::usage(format!(
                "`{shown}` holds both the journal of drizzle-kit 0.x and migration folders of 1.x"
            ))
            .hint("go back to one of them (git status, git checkout), then let `drizzle-kit up` convert it as a whole")
            .into()),
            (true, false) if installed == Some(Layout::Folders) => {
                Err(Failure::usage(format!("`{shown}` has the layout of drizzle-kit 0.x, and 1.x is installed"))
                    .hint("convert it: `bun run drizzle-kit up` in the package, then commit what it wrote")
                    .into())
            }
            (false, true) if installed == Some(Layout::Journal) => {
                Err(Failure::usage(format!("`{shown}` has the layout of drizzle-kit 1.x, and 0.x is installed"))
                    .hint("install the drizzle-kit and drizzle-orm that wrote it: 0.x would begin a history of its own")
                    .into())
            }
            (true, false) => Ok(Layout::Journal),
            (false, true) => Ok(Layout::Folders),
            (false, false) => Ok(installed.unwrap_or(Layout::Journal)),
        }
    }

    /// The layout that a migration's SQL stands in.
    fn holding(sql: &Path, tag: &str) -> Layout {
        let in_own_folder = sql.parent().and_then(Path::file_name).is_some_and(|folder| folder == tag);
        if in_own_folder && sql.ends_with(folders::SQL) { Layout::Folders } else { Layout::Journal }
    }

    /// The rollback's path, from the migrations folder.
    #[must_use]
    pub fn rollback_name(self, tag: &str) -> String {
        match self {
            Layout::Journal => rollback_file::file_name(tag),
            Layout::Folders => format!("{tag}/{}", folders::ROLLBACK),
        }
    }

    /// The path of a migration's SQL, from the migrations folder.
    pub(super) fn sql_name(self, tag: &str) -> String {
        match self {
            Layout::Journal => format!("{tag}.sql"),
            Layout::Folders => format!("{tag}/{}", folders::SQL),
        }
    }
}

fn subfolders(out: &Path) -> Vec<PathBuf> {
    fs::read_dir(out).into_iter().flatten().flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

/// What the drizzle-kit that is installed for a folder works on; `None` where none is found.
fn installed(out: &Path) -> Option<Layout> {
    let manifest = out.ancestors().map(|folder| folder.join("node_modules/drizzle-kit/package.json"));
    let text = manifest.into_iter().find_map(|path| fs::read_to_string(path).ok())?;
    let package: Value = serde_json::from_str(&text).ok()?;
    Some(if package["version"].as_str()?.starts_with("0.") { Layout::Journal } else { Layout::Folders })
}

/// What stands around a migration whose SQL is at `sql`.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    sql: &'a Path,
    tag: &'a str,
    layout: Layout,
}

impl<'a> Place<'a> {
    #[must_use]
    pub fn of(sql: &'a Path, tag: &'a str) -> Place<'a> {
        Place { sql, tag, layout: Layout::holding(sql, tag) }
    }

    fn out(&self) -> &'a Path {
        let levels = if self.layout == Layout::Folders { 2 } else { 1 };
        self.sql.ancestors().nth(levels).unwrap_or(self.sql)
    }

    #[must_use]
    pub fn rollback(&self) -> PathBuf {
        self.out().join(self.layout.rollback_name(self.tag))
    }

    /// The same, as one says it in a word.
    #[must_use]
    pub fn rollback_name(&self) -> String {
        self.layout.rollback_name(self.tag)
    }

    #[must_use]
    pub fn receipt(&self) -> PathBuf {
        self.out().join("receipts").join(format!("{}.toml", self.tag))
    }

    /// The SQL, as one says it in a word.
    #[must_use]
    pub fn name(&self) -> String {
        self.layout.sql_name(self.tag)
    }

    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A folder whose `drizzle` holds these files.
    pub(in super::super) fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join("drizzle").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, r#"{"version":"7","dialect":"postgresql","entries":[]}"#).unwrap();
        }
        folder
    }

    fn kit(folder: &Path, version: &str) {
        let path = folder.join("node_modules/drizzle-kit");
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("package.json"), format!(r#"{{"version":"{version}"}}"#)).unwrap();
    }

    const JOURNAL: &str = "meta/_journal.json";
    pub(in super::super) const FOLDER: &str = "20260101000000_a/migration.sql";

    #[test]
    fn the_files_say_which_layout_it_is_and_both_at_once_are_refused() {
        let layout = |files: &[&str]| Layout::of(&folder(files).path().join("drizzle"));
        assert_eq!(layout(&[JOURNAL]).unwrap(), Layout::Journal);
        assert_eq!(layout(&[FOLDER, "receipts/x.toml"]).unwrap(), Layout::Folders);
        assert!(layout(&[JOURNAL, FOLDER]).unwrap_err().to_string().contains("both"));
    }

    #[test]
    fn the_installed_drizzle_kit_decides_for_an_empty_folder_and_must_fit_a_full_one() {
        for (version, empty, other) in [("0.31.11", Layout::Journal, FOLDER), ("1.0.0-rc.5", Layout::Folders, JOURNAL)]
        {
            let root = folder(&[]);
            kit(root.path(), version);
            assert_eq!(Layout::of(&root.path().join("drizzle")).unwrap(), empty);
            let root = folder(&[other]);
            kit(root.path(), version);
            assert!(Layout::of(&root.path().join("drizzle")).unwrap_err().to_string().contains("is installed"));
        }
    }

    #[test]
    fn rollback_and_receipt_stand_where_drizzle_kit_does_not_look() {
        let place = Place::of(Path::new("/r/drizzle/20260101000000_a/migration.sql"), "20260101000000_a");
        assert_eq!(place.rollback(), Path::new("/r/drizzle/20260101000000_a/rollback.sql"));
        assert_eq!(place.receipt(), Path::new("/r/drizzle/receipts/20260101000000_a.toml"));
        let place = Place::of(Path::new("/r/drizzle/0001_a.sql"), "0001_a");
        assert_eq!(place.rollback(), Path::new("/r/drizzle/rollback_0001_a.sql"));
        assert_eq!(place.receipt(), Path::new("/r/drizzle/receipts/0001_a.toml"));
    }
}
