//! Where a command's lines go: to files, and to whoever watches.
//!
//! Invariant: what is watched is what stands in the log. A command without a log is not watched, and no line is seen
//! before secrets and rows were taken out.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

/// Called with each line a child prints, without secrets and rows.
pub type LineSink = Arc<dyn Fn(&str) + Send + Sync>;

/// Files `<stem>.cmd`, `<stem>.out`, `<stem>.err`, and one who watches.
#[derive(Clone)]
pub struct Log {
    pub stem: PathBuf,
    watcher: Option<LineSink>,
}

impl Log {
    #[must_use]
    pub fn at(stem: PathBuf) -> Log {
        Log { stem, watcher: None }
    }

    #[must_use]
    pub fn watched(stem: PathBuf, watcher: LineSink) -> Log {
        Log { stem, watcher: Some(watcher) }
    }

    /// The same watcher, with files of another stem.
    #[must_use]
    pub fn with_stem(&self, stem: PathBuf) -> Log {
        Log { stem, watcher: self.watcher.clone() }
    }

    /// For one of several commands of a step.
    #[must_use]
    pub fn of(&self, what: &str) -> Log {
        self.with_stem(Path::new(&format!("{}.{what}", self.stem.display())).to_owned())
    }

    /// Says something to whoever watches, beside the log.
    pub fn tell(&self, line: &str) {
        if let Some(watcher) = &self.watcher {
            watcher(line);
        }
    }

    pub(super) fn stream(&self, ending: &str) -> LogFile {
        LogFile { path: PathBuf::from(format!("{}.{ending}", self.stem.display())), file: None, log: self.clone() }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Log").field(&self.stem).finish()
    }
}

/// One of the files, made when there is something to write: two of three stay empty for most commands, and making a file
/// is dear on a disk where many were just removed (ext4).
pub(super) struct LogFile {
    path: PathBuf,
    file: Option<File>,
    log: Log,
}

impl LogFile {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let writing = || format!("writing the log `{}`", self.path.display());
        let file = match self.file.take() {
            Some(file) => file,
            None => File::options().create(true).append(true).open(&self.path).with_context(writing)?,
        };
        self.file.insert(file).write_all(bytes).with_context(writing)
    }

    /// A line of the child: written, and shown where there is something to see.
    pub(super) fn line(&mut self, line: &str) {
        // A full disk must not stop the child's output from being read; the step's own proof decides.
        let _ = self.write(line.as_bytes());
        if !line.trim().is_empty() {
            self.log.tell(line.trim_end());
        }
    }
}
