//! What steps stood on, kept as texts under their digests, so that `why` can show a change as a difference.
//!
//! Never read for a decision: what is missing or damaged here costs a reader the lines of a difference, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

/// Texts that are longer are not kept.
pub const LONGEST: u64 = 64 * 1024;

/// `.db-change/contents/`
#[derive(Clone, Debug)]
pub struct Contents {
    folder: PathBuf,
}

impl Contents {
    #[must_use]
    pub fn at(home: &Path) -> Self {
        Contents { folder: home.join("contents") }
    }

    /// Keeps a text; one that cannot be kept is done without.
    pub fn put(&self, digest: &str, text: &str) {
        let path = self.path(digest);
        if text.len() as u64 > LONGEST || path.exists() {
            return;
        }
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let temp = tempfile::NamedTempFile::new_in(&self.folder)?;
            fs::write(temp.path(), text)?;
            temp.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        let _ = write();
    }

    #[must_use]
    pub fn has(&self, digest: &str) -> bool {
        self.path(digest).exists()
    }

    #[must_use]
    pub fn get(&self, digest: &str) -> Option<String> {
        fs::read_to_string(self.path(digest)).ok()
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(digest)
    }
}
