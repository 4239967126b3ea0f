//! What a header says that a database does with its case. Each is checked against a real run; a `safe` case must be `quick`.

/// A table with more rows than this must not be read, written or rewritten while others wait.
pub const MANY: i64 = 10_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// The migration ends with this SQLSTATE.
    Fails(String),
    /// A table that was there before is locked in this mode at the end of some statement.
    Lock { table: String, mode: String },
    /// The table lies in another file afterwards.
    Rewrites(String),
    /// One statement read at least as many rows of the table as it has.
    Scans(String),
    /// One statement inserted, updated or deleted more than [`MANY`] rows of the table.
    Writes(String),
    /// `schema.table.column` has fewer values than before, or is gone; of a table: fewer rows.
    Loses(String),
    /// `schema.table.column` has as many values as before, and other ones.
    Changes(String),
    /// The query worked before and fails afterwards, or returns other rows.
    Breaks(String),
    /// The query works before and afterwards, with the same rows.
    Works(String),
    /// The query failed before and works afterwards: somebody may now do what was forbidden.
    Opens(String),
    /// The query reads more than [`MANY`] rows of a table afterwards, and did not before.
    Slows(String),
    /// The index is there and invalid.
    LeavesInvalid(String),
    /// A lock that blocks writes (SHARE or stronger) on a table that was there before is held while a later statement of the
    /// same transaction goes over more than [`MANY`] rows or takes such a lock on another table.
    KeepsLocks,
    /// No failure; nothing rewritten or read under a lock that blocks writes, and nothing written, beyond [`MANY`] rows; no
    /// such lock kept over as many; no value lost; the old columns still there; no invalid index.
    Quick,
}

impl Observation {
    pub fn parse(text: &str) -> Result<Observation, String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim().to_owned();
        Ok(match (word, rest.as_str()) {
            ("quick", "") => Observation::Quick,
            ("keeps", "locks") => Observation::KeepsLocks,
            (_, "") => return Err(format!("not an observation: `{text}`")),
            ("fails", _) => Observation::Fails(rest),
            ("rewrites", _) => Observation::Rewrites(rest),
            ("scans", _) => Observation::Scans(rest),
            ("writes", _) => Observation::Writes(rest),
            ("loses", _) => Observation::Loses(rest),
            ("changes", _) => Observation::Changes(rest),
            ("breaks", _) => Observation::Breaks(rest),
            ("works", _) => Observation::Works(rest),
            ("opens", _) => Observation::Opens(rest),
            ("slows", _) => Observation::Slows(rest),
            ("leaves", _) if rest.starts_with("invalid ") => {
                Observation::LeavesInvalid(rest["invalid ".len()..].to_owned())
            }
            ("lock", _) => match rest.rsplit_once(' ') {
                Some((table, mode)) if MODES.contains(&mode) => {
                    Observation::Lock { table: table.to_owned(), mode: mode.to_owned() }
                }
                _ => return Err(format!("not a table and a mode as in pg_locks: `{rest}`")),
            },
            _ => return Err(format!("not an observation: `{text}`")),
        })
    }
}

/// As in `pg_locks`, weakest first (PostgreSQL docs, Explicit Locking).
pub const MODES: [&str; 8] = [
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
];

/// Whether a lock in this mode makes writers wait.
#[must_use]
pub fn blocks_writes(mode: &str) -> bool {
    MODES.iter().position(|one| *one == mode).is_some_and(|place| place >= 4)
}
