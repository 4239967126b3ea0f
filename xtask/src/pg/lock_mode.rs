//! The modes of table locks, from weakest to strongest (PostgreSQL 15 docs, 13.3.1).

use serde::{Deserialize, Serialize};

/// Serialized as `pg_locks` has it: `AccessExclusiveLock`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mode {
    #[serde(rename = "AccessShareLock")]
    AccessShare,
    #[serde(rename = "RowShareLock")]
    RowShare,
    #[serde(rename = "RowExclusiveLock")]
    RowExclusive,
    #[serde(rename = "ShareUpdateExclusiveLock")]
    ShareUpdateExclusive,
    #[serde(rename = "ShareLock")]
    Share,
    #[serde(rename = "ShareRowExclusiveLock")]
    ShareRowExclusive,
    #[serde(rename = "ExclusiveLock")]
    Exclusive,
    #[serde(rename = "AccessExclusiveLock")]
    AccessExclusive,
}

const NAMES: &[(Mode, &str, &str)] = &[
    (Mode::AccessShare, "AccessShareLock", "ACCESS SHARE"),
    (Mode::RowShare, "RowShareLock", "ROW SHARE"),
    (Mode::RowExclusive, "RowExclusiveLock", "ROW EXCLUSIVE"),
    (Mode::ShareUpdateExclusive, "ShareUpdateExclusiveLock", "SHARE UPDATE EXCLUSIVE"),
    (Mode::Share, "ShareLock", "SHARE"),
    (Mode::ShareRowExclusive, "ShareRowExclusiveLock", "SHARE ROW EXCLUSIVE"),
    (Mode::Exclusive, "ExclusiveLock", "EXCLUSIVE"),
    (Mode::AccessExclusive, "AccessExclusiveLock", "ACCESS EXCLUSIVE"),
];

impl Mode {
    /// `AccessExclusiveLock` or `ACCESS EXCLUSIVE`.
    #[must_use]
    pub fn read(text: &str) -> Option<Mode> {
        NAMES.iter().find(|(_, name, words)| [name, words].contains(&&text)).map(|(mode, ..)| *mode)
    }

    /// As `pg_locks` has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(mode, ..)| *mode == self).map_or("", |(_, name, _)| name)
    }

    /// As LOCK TABLE has it.
    #[must_use]
    pub fn words(self) -> &'static str {
        NAMES.iter().find(|(mode, ..)| *mode == self).map_or("", |(.., words)| words)
    }

    /// Whether others' writes, or more, wait for it.
    #[must_use]
    pub fn blocks_writes(self) -> bool {
        self >= Mode::Share
    }
}
