//! The migrations of a folder in their order, whichever layout it has: files, hashes, rows of the migrations table, schemas.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::folders::{self, Head};
use super::journal::{self, Entry, Journal};
use super::layout::Layout;
use super::project::Project;
use super::snapshot::{self, Snapshot};
use crate::failure::Failure;
use crate::pg::migrations::Applied;

/// The migrations of a folder, in the order in which a database takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub layout: Layout,
    pub out: PathBuf,
    pub entries: Vec<Entry>,
    /// What the journal says beside its entries.
    journal: Option<Journal>,
}

impl History {
    /// A folder that does not exist, or holds no migration at all, has an empty history.
    ///
    /// Errors (usage): the layout is not clear, a journal that cannot be read, SQL files without one.
    pub fn load(out: &Path) -> Result<History> {
        let layout = Layout::of(out)?;
        let out = out.to_owned();
        let entries = if layout == Layout::Folders { folders::entries(&out)? } else { Vec::new() };
        if !entries.is_empty() {
            return Ok(History { layout, entries, out, journal: None });
        }
        let journal = journal::load(&out)?;
        Ok(History { layout, entries: journal.entries.clone(), out, journal: Some(journal) })
    }

    /// The database that it is for, where that is not PostgreSQL.
    #[must_use]
    pub fn foreign_dialect(&self) -> Option<&str> {
        let dialect = self.journal.as_ref()?.dialect.as_str();
        (!["", "pg", "postgresql"].contains(&dialect)).then_some(dialect)
    }

    #[must_use]
    pub fn entry(&self, tag: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    #[must_use]
    pub fn sql_path(&self, entry: &Entry) -> PathBuf {
        self.out.join(self.layout.sql_name(&entry.tag))
    }

    #[must_use]
    pub fn snapshot_path(&self, entry: &Entry) -> PathBuf {
        match self.layout {
            Layout::Journal => journal::snapshot_path(&self.out, entry),
            Layout::Folders => self.out.join(&entry.tag).join(folders::SNAPSHOT),
        }
    }

    /// The file that changes with every migration.
    #[must_use]
    pub fn index(&self) -> Option<PathBuf> {
        (self.layout == Layout::Journal).then(|| journal::path(&self.out))
    }

    /// The hash of a migration as its migrator records it: of the file read as UTF-8, in both (0.45 and 1.0.0-rc.5, `migrator`).
    pub fn hash(&self, entry: &Entry) -> Result<String> {
        journal::hash_of_file(&self.sql_path(entry))
    }

    /// The row that its migrator leaves for a migration.
    pub fn row(&self, entry: &Entry) -> Result<Applied> {
        let name = (self.layout == Layout::Folders).then(|| entry.tag.clone());
        Ok(Applied { hash: self.hash(entry)?, created_at: entry.when, name })
    }

    /// The entries that the database has not recorded.
    #[must_use]
    pub fn pending(&self, applied: &[Applied]) -> Vec<&Entry> {
        self.entries.iter().filter(|entry| !applied.iter().any(|row| self.records(row, entry))).collect()
    }

    /// The pending entries that the migrator passes over; that of 1.x passes over none.
    #[must_use]
    pub fn skipped(&self, applied: &[Applied]) -> Vec<&Entry> {
        match self.layout {
            Layout::Journal => journal::skipped(&self.entries, &journal::times(applied)),
            Layout::Folders => Vec::new(),
        }
    }

    /// Whether a row is about a migration. The table has no names until a migrator of 1.x first runs; that matches the rows of
    /// 0.x then as here (drizzle-orm 1.0.0-rc.5, `up-migrations/pg`).
    #[must_use]
    pub fn records(&self, row: &Applied, entry: &Entry) -> bool {
        let same_file = || self.hash(entry).is_ok_and(|hash| hash == row.hash);
        match (self.layout, &row.name) {
            (Layout::Journal, _) => row.created_at == entry.when,
            (Layout::Folders, Some(name)) => *name == entry.tag,
            (Layout::Folders, None) => {
                let second = row.created_at - row.created_at.rem_euclid(1000);
                match self.entries.iter().filter(|other| other.when == second).count() {
                    0 => same_file(),
                    1 => entry.when == second,
                    _ => entry.when == second && same_file(),
                }
            }
        }
    }

    /// Identity and parents of a migration's snapshot.
    pub fn head(&self, entry: &Entry) -> Result<Head> {
        let path = self.snapshot_path(entry);
        if self.layout == Layout::Folders {
            return folders::head(&path);
        }
        let snapshot = snapshot::load(&path)?;
        let parents = [snapshot.prev_id()].into_iter().filter(|parent| *parent != snapshot::ORIGIN).map(str::to_owned);
        Ok(Head { id: snapshot.id().to_owned(), parents: parents.collect() })
    }

    /// The schema after the newest migration; the empty one where there is none. `project` has the drizzle-kit that can tell.
    pub fn latest(&self, project: &Project) -> Result<Snapshot> {
        let Some(newest) = self.entries.last() else { return Ok(Snapshot::empty()) };
        self.states(project, &[newest])?.pop().context("a state for the newest migration")
    }

    /// The schemas before and after one migration.
    pub fn around(&self, project: &Project, tag: &str) -> Result<(Snapshot, Snapshot)> {
        let position = self.entries.iter().position(|entry| entry.tag == tag);
        let position = position.ok_or_else(|| Failure::usage(format!("no migration `{tag}` in the history")))?;
        let first = position.saturating_sub(1);
        let entries: Vec<&Entry> = self.entries[first..=position].iter().collect();
        let mut states = self.states(project, &entries)?;
        let after = states.pop().context("a state after the migration")?;
        Ok((states.pop().unwrap_or_else(Snapshot::empty), after))
    }

    /// The schema after each of these.
    fn states(&self, project: &Project, entries: &[&Entry]) -> Result<Vec<Snapshot>> {
        if self.layout == Layout::Journal {
            return entries.iter().map(|entry| snapshot::load(&self.snapshot_path(entry))).collect();
        }
        let heads = self.entries.iter().map(|entry| self.head(entry)).collect::<Result<Vec<Head>>>()?;
        let mut ids = Vec::new();
        for entry in entries {
            let position = self.entries.iter().position(|other| other == *entry).context("an entry of this history")?;
            if !has_all_before(&heads, position) {
                return Err(Failure::step(format!("`{}` does not follow all migrations before it", entry.tag))
                    .detail("branches meet here, and what the schema is after it no snapshot says")
                    .hint("run `cargo xtask db-change inventory` to see which")
                    .into());
            }
            ids.push(heads[position].id.as_str());
        }
        let files = self.entries.iter().map(|entry| (entry.tag.clone(), self.snapshot_path(entry)));
        folders::states(project, &files.collect::<Vec<_>>(), &ids)
    }

    /// Whether a migration was not written to its end: 1.x makes the folder, the snapshot, then the SQL; 0.31 the snapshot, the
    /// journal, then the SQL.
    #[must_use]
    pub fn is_torn(&self, entry: &Entry) -> bool {
        let empty = fs::metadata(self.sql_path(entry)).map_or(true, |found| found.len() == 0);
        empty || self.head(entry).is_err()
    }

    /// What has to go where these migrations are not wanted: files, and the index as it then is.
    pub fn without(&self, unwanted: &[Entry]) -> Result<Removal> {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in unwanted {
            files.extend([self.sql_path(entry), self.snapshot_path(entry)]);
            if self.layout == Layout::Folders {
                files.push(self.out.join(self.layout.rollback_name(&entry.tag)));
                folders.push(self.out.join(&entry.tag));
            }
        }
        files.retain(|path: &PathBuf| path.exists());
        let mut index = None;
        if let (Some(path), Some(journal)) = (self.index(), &self.journal) {
            let mut journal = journal.clone();
            journal.entries.retain(|entry| !unwanted.contains(entry));
            let kept: Vec<PathBuf> = journal.entries.iter().map(|entry| self.snapshot_path(entry)).collect();
            files.retain(|path| !kept.contains(path));
            if !unwanted.is_empty() {
                index = Some((path, serde_json::to_string_pretty(&journal).context("describing the journal")?));
            }
        }
        Ok(Removal { files, folders, index })
    }

    /// Snapshots that belong to no migration: 0.x writes one before it says so in the journal.
    #[must_use]
    pub fn stray_snapshots(&self) -> Vec<PathBuf> {
        let Some(meta) = self.index().as_deref().and_then(Path::parent).map(Path::to_owned) else { return Vec::new() };
        let known: Vec<PathBuf> = self.entries.iter().map(|entry| self.snapshot_path(entry)).collect();
        let files = fs::read_dir(meta).into_iter().flatten().flatten().map(|entry| entry.path());
        files.filter(|path| path.to_string_lossy().ends_with("_snapshot.json") && !known.contains(path)).collect()
    }
}

/// Whether all snapshots before this one are among its ancestors.
fn has_all_before(heads: &[Head], position: usize) -> bool {
    let mut ancestors: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = vec![&heads[position].id];
    while let Some(id) = open.pop() {
        for head in heads.iter().filter(|head| head.id == id) {
            open.extend(head.parents.iter().map(String::as_str).filter(|parent| ancestors.insert(parent)));
        }
    }
    heads[..position].iter().all(|head| ancestors.contains(head.id.as_str()))
}

/// What [`History::without`] asks for.
#[derive(Debug)]
pub struct Removal {
    pub files: Vec<PathBuf>,
    /// Empty without these files, but for what a person put there.
    pub folders: Vec<PathBuf>,
    /// Path and content of the journal, where it has to change.
    pub index: Option<(PathBuf, String)>,
}

#[cfg(test)]
mod tests {
    use super::super::layout::tests::{FOLDER, folder};
    use super::*;

    #[test]
    fn a_row_without_a_name_is_matched_as_the_migrator_of_1_x_matches_it() {
        let root = folder(&[FOLDER, "20260101000001_b/migration.sql"]);
        let history = History::load(&root.path().join("drizzle")).unwrap();
        let row = |created_at: i64, name: Option<&str>| Applied {
            hash: "another file".to_owned(),
            created_at,
            name: name.map(str::to_owned),
        };
        let (a, b) = (&history.entries[0], &history.entries[1]);
        assert!(history.records(&row(a.when + 123, None), a));
        assert!(!history.records(&row(a.when + 123, None), b));
        assert!(!history.records(&row(a.when, Some("20260101000000_renamed")), a));
        assert_eq!(history.pending(&[row(0, Some(&b.tag))]), [a]);
        // The older one still runs: 1.x asks for names, not for the newest time.
        assert!(history.skipped(&[row(b.when, Some(&b.tag))]).is_empty());
    }

    #[test]
    fn a_migration_that_was_not_written_to_its_end_is_torn_and_goes_with_its_folder() {
        let root = folder(&[FOLDER, "20260101000001_b/snapshot.json", "20260101000001_b/rollback.sql"]);
        let out = root.path().join("drizzle");
        let history = History::load(&out).unwrap();
        let lost = &history.entries[1];
        assert!(history.is_torn(lost));
        let removal = history.without(std::slice::from_ref(lost)).unwrap();
        let inside = |name: &str| out.join("20260101000001_b").join(name);
        assert_eq!(removal.files, [inside("snapshot.json"), inside("rollback.sql")]);
        assert_eq!((removal.folders, removal.index), (vec![inside("")], None));
    }

    #[test]
    fn a_migration_goes_out_of_the_journal_with_its_own_files_only() {
        let root = folder(&["0000_a.sql", "0001_b.sql", "meta/0000_snapshot.json", "meta/0001_snapshot.json"]);
        let out = root.path().join("drizzle");
        let mut journal = Journal::empty();
        for (idx, tag) in ["0000_a", "0001_b"].iter().enumerate() {
            let idx = i64::try_from(idx).unwrap();
            journal.entries.push(Entry { idx, version: "7".into(), when: idx, tag: (*tag).into(), breakpoints: true });
        }
        fs::write(journal::path(&out), serde_json::to_string(&journal).unwrap()).unwrap();
        fs::write(out.join("meta/0002_snapshot.json"), "").unwrap();
        let history = History::load(&out).unwrap();
        assert_eq!(history.stray_snapshots(), [out.join("meta/0002_snapshot.json")]);
        let removal = history.without(&history.entries[1..]).unwrap();
        assert_eq!(removal.files, [out.join("0001_b.sql"), out.join("meta/0001_snapshot.json")]);
        let (path, text) = removal.index.unwrap();
        assert_eq!(path, journal::path(&out));
        let kept: Journal = serde_json::from_str(&text).unwrap();
        assert_eq!(kept.entries, history.entries[..1]);
    }

    #[test]
    fn a_schema_is_known_only_where_all_earlier_migrations_are_ancestors() {
        let head = |id: &str, parents: &[&str]| Head {
            id: id.to_owned(),
            parents: parents.iter().map(|parent| (*parent).to_owned()).collect(),
        };
        let heads = [head("a", &[]), head("b", &["a"]), head("c", &["a"]), head("d", &["c", "b"])];
        assert_eq!([0, 1, 2, 3].map(|position| has_all_before(&heads, position)), [true, true, false, true]);
    }
}
