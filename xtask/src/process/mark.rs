//! The mark of a run on everything that works for it: the environment of its children and the names of its database sessions.
//! What outlives its runner is found by it, kept apart from, and named.
//!
//! One process works for one run. The work tree's lock is not handed to children as well: bun and pseudo-terminals close what
//! they inherit, servers would hold it for ever, and a program that was started by a marked one cannot lose the mark by accident.

use std::path::Path;
use std::sync::OnceLock;

use crate::digest;

/// The run and the work tree for which a child is at work; a workflow's own command also says for which step.
pub const RUN: &str = "DB_CHANGE_RUN";
pub const REPO: &str = "DB_CHANGE_REPO";
pub const STEP: &str = "DB_CHANGE_STEP";

/// PostgreSQL cuts longer names (NAMEDATALEN).
const LONGEST_NAME: usize = 63;

struct Mark {
    run: String,
    repo: String,
    session: String,
}

static MARK: OnceLock<Mark> = OnceLock::new();

/// From now on, what this process starts bears the mark of this run.
pub fn bear(repo: &Path, run: &str) {
    let _ = MARK.set(Mark { run: run.to_owned(), repo: repo.display().to_string(), session: session_of(repo, run) });
}

/// What a child's environment is given.
pub(super) fn environment() -> Vec<(String, String)> {
    let Some(mark) = MARK.get() else { return Vec::new() };
    // libpq and the drivers of JavaScript take a session's name from there.
    let given = [(RUN, &mark.run), (REPO, &mark.repo), ("PGAPPNAME", &mark.session)];
    given.map(|(name, value)| (name.to_owned(), value.clone())).into()
}

/// The name of this process's own sessions.
#[must_use]
pub fn session() -> Option<&'static str> {
    MARK.get().map(|mark| mark.session.as_str())
}

/// The name of a run's sessions: `db-change add-phone-1 in 3f2a9c`. Other work trees may have runs of the same id.
#[must_use]
pub fn session_of(repo: &Path, run: &str) -> String {
    let place = &digest::of(repo.as_os_str().as_encoded_bytes())[..6];
    let fixed = "db-change  in ".len() + place.len();
    let end = (0..=run.len().min(LONGEST_NAME - fixed)).rev().find(|end| run.is_char_boundary(*end)).unwrap_or(0);
    format!("db-change {} in {place}", &run[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sessions_name_is_not_cut_by_the_server_and_tells_work_trees_apart() {
        let long = session_of(Path::new("/a"), &"é".repeat(100));
        assert!(long.len() <= LONGEST_NAME && long.contains(" in "), "{long}");
        assert_ne!(session_of(Path::new("/a"), "phone-1"), session_of(Path::new("/b"), "phone-1"));
    }
}
