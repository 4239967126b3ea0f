//! `doctor`: which tools there are, and what to do about those that are missing.

use anyhow::Result;

use super::open::here;
use crate::failure::Kind;
use crate::process::doctor;
use crate::process::tools::Wanted;
use crate::repo::git;
use crate::report::terminal::data;

pub(super) fn doctor() -> Result<u8> {
    let root = git::root(&here()?).ok();
    let rows = doctor::rows(root.as_deref(), &Wanted::default());
    data(&doctor::render(&rows));
    Ok(if rows.iter().all(|row| row.ok) { 0 } else { Kind::Environment.exit_code() })
}
