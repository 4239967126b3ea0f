//! What an adoption would write: new files, additions to files that exist, and what is there already.
//!
//! Invariant: a new file is only written where none is, and an addition only onto the text that it was made for.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::failure::Failure;
use crate::state::durable;

/// One file of an adoption.
#[derive(Clone, Debug)]
pub struct Step {
    /// From the root.
    pub name: String,
    pub does: Does,
}

#[derive(Clone, Debug)]
pub enum Does {
    /// Writes a file where none is.
    Create(String),
    /// Adds to a file that exists.
    Add(Addition),
    /// Somebody else has the place.
    Conflict { why: String, text: String },
    /// It is there, and stays as it is.
    Nothing,
}

#[derive(Clone, Debug)]
pub struct Addition {
    before: String,
    after: String,
    /// `at its end`
    pub place: String,
    /// What is added.
    pub text: String,
}

impl Step {
    pub(super) fn new(root: &Path, name: &str, text: String) -> Step {
        let does = if root.join(name).exists() { Does::Nothing } else { Does::Create(text) };
        Step { name: name.to_owned(), does }
    }

    pub(super) fn there(name: &str) -> Step {
        Step { name: name.to_owned(), does: Does::Nothing }
    }

    pub(super) fn addition(name: &str, before: &str, after: String, place: &str, text: &str) -> Step {
        let (before, place, text) = (before.to_owned(), place.to_owned(), text.trim_matches('\n').to_owned());
        Step { name: name.to_owned(), does: Does::Add(Addition { before, after, place, text }) }
    }

    pub(super) fn conflict(name: &str, why: &str, text: &str) -> Step {
        Step { name: name.to_owned(), does: Does::Conflict { why: why.to_owned(), text: text.to_owned() } }
    }

    /// The file with the addition.
    #[must_use]
    pub fn merged(&self) -> Option<&str> {
        match &self.does {
            Does::Add(addition) => Some(&addition.after),
            _ => None,
        }
    }

    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.does, Does::Nothing)
    }

    /// Does it. Errors (refused): the file is not as it was looked at.
    pub fn apply(&self, root: &Path) -> Result<()> {
        let path = root.join(&self.name);
        let changed = || {
            Failure::refused(format!("`{}` was changed in the meantime", self.name)).hint("run the same command again")
        };
        let text = match &self.does {
            Does::Create(_) if path.exists() => return Err(changed().into()),
            Does::Create(text) => text,
            Does::Add(addition) => {
                let now = fs::read_to_string(&path).with_context(|| format!("reading `{}`", self.name))?;
                if now != addition.before {
                    return Err(changed().into());
                }
                &addition.after
            }
            Does::Conflict { .. } | Does::Nothing => return Ok(()),
        };
        if let Some(folder) = path.parent() {
            durable::create_folder(folder)?;
        }
        durable::write(&path, text.as_bytes())
    }
}
