//! Table locks, and what each keeps waiting (PostgreSQL docs, 13.3.1).

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lock {
    #[serde(rename = "ROW EXCLUSIVE")]
    RowExclusive,
    #[serde(rename = "SHARE UPDATE EXCLUSIVE")]
    ShareUpdateExclusive,
    #[serde(rename = "SHARE")]
    Share,
    #[serde(rename = "SHARE ROW EXCLUSIVE")]
    ShareRowExclusive,
    #[serde(rename = "EXCLUSIVE")]
    Exclusive,
    #[serde(rename = "ACCESS EXCLUSIVE")]
    AccessExclusive,
}

impl Lock {
    /// What waits while it is held.
    #[must_use]
    pub fn blocks(self) -> &'static str {
        match self {
            Lock::RowExclusive => "writes to the same rows",
            Lock::ShareUpdateExclusive => "other schema changes and VACUUM",
            Lock::Share | Lock::ShareRowExclusive | Lock::Exclusive => "writes",
            Lock::AccessExclusive => "reads and writes",
        }
    }

    #[must_use]
    pub fn stops_writes(self) -> bool {
        self >= Lock::Share
    }
}

/// As LOCK TABLE spells it.
impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lock::RowExclusive => "ROW EXCLUSIVE",
            Lock::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Lock::Share => "SHARE",
            Lock::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Lock::Exclusive => "EXCLUSIVE",
            Lock::AccessExclusive => "ACCESS EXCLUSIVE",
        })
    }
}
