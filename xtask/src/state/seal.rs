//! Texts that a runner of this work tree wrote and nobody edited since: each ends with a keyed digest of itself and its name.
//!
//! The key is random, one per work tree, 0600. Whoever may read it could forge a seal: it shows accidents and shortcuts, and
//! is no defence against the owner of the machine (that is what `verify` in CI is for).

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::durable;
use crate::digest;

const LENGTH: usize = 32;
/// Begins the last line; a comment, so that any TOML reader can read the file.
const MARK: &str = "# sealed ";

/// Why a text is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    NoSeal,
    NoKey,
    Edited,
}

impl Broken {
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Broken::NoSeal => "it does not end with a seal: it was cut off, or written by hand",
            Broken::NoKey => "the key that it was sealed with, `.db-change/key`, is gone",
            Broken::Edited => "it was edited after it was written, or its key was replaced",
        }
    }
}

fn key_path(home: &Path) -> PathBuf {
    home.join("key")
}

/// The key, where there is one already.
pub fn known_key(home: &Path) -> Option<Vec<u8>> {
    std::fs::read(key_path(home)).ok().filter(|key| key.len() == LENGTH)
}

/// The work tree's own key; made when there is none.
pub fn key(home: &Path) -> Result<Vec<u8>> {
    if let Some(key) = known_key(home) {
        return Ok(key);
    }
    let key = digest::random::<LENGTH>()?.to_vec();
    // A temporary file is made with mode 0600, and renaming keeps it.
    durable::write(&key_path(home), &key)?;
    Ok(key)
}

/// A digest that tells nothing to those who do not have the key.
#[must_use]
pub fn keyed(key: &[u8], parts: &[&[u8]]) -> String {
    // The key stands on both sides, so that no longer text has a digest that can be guessed.
    digest::of_parts([key].into_iter().chain(parts.iter().copied()).chain([key]))
}

/// The text with its seal, to be written as `name`.
pub fn seal(home: &Path, name: &str, text: &str) -> Result<String> {
    let seal = keyed(&key(home)?, &[name.as_bytes(), text.as_bytes()]);
    Ok(format!("{text}{MARK}{seal}\n"))
}

/// The text that was sealed under this name.
pub fn unseal<'a>(home: &Path, name: &str, sealed: &'a str) -> Result<&'a str, Broken> {
    let key = known_key(home).ok_or(Broken::NoKey)?;
    let cut = sealed.trim_end().rfind(MARK).ok_or(Broken::NoSeal)?;
    let (text, line) = sealed.split_at(cut);
    let Some(seal) = line.strip_prefix(MARK).filter(|seal| seal.trim_end().len() == 64) else {
        return Err(Broken::NoSeal);
    };
    let right = keyed(&key, &[name.as_bytes(), text.as_bytes()]);
    if seal == format!("{right}\n") { Ok(text) } else { Err(Broken::Edited) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_opened_as_it_was_sealed_under_its_own_name_and_with_its_own_key_only() {
        let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (home, other) = (home.path(), other.path());
        let sealed = seal(home, "a", "x = 1\n").unwrap();
        assert_eq!(unseal(home, "a", &sealed), Ok("x = 1\n"));
        assert_eq!(unseal(home, "b", &sealed), Err(Broken::Edited));
        assert_eq!(unseal(home, "a", &sealed.replace('1', "2")), Err(Broken::Edited));
        assert_eq!(unseal(home, "a", &format!("{sealed}y = 2\n")), Err(Broken::NoSeal));
        assert_eq!(unseal(home, "a", &format!("{sealed}\n")), Err(Broken::Edited));
        assert_eq!(unseal(home, "a", "x = 1\n"), Err(Broken::NoSeal));
        assert_eq!(unseal(other, "a", &sealed), Err(Broken::NoKey));
        key(other).unwrap();
        assert_eq!(unseal(other, "a", &sealed), Err(Broken::Edited));
        assert_eq!(sealed.lines().count(), 2);
    }
}
