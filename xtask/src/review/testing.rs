//! For the tests of hazards: one file of Drizzle's, reviewed without a database.

use std::path::PathBuf;

use super::facts::Facts;
use super::finding::Finding;
use super::judge::review;
use super::set::{Before, Set, Source, Transaction};

pub(crate) fn found(sql: &str, transaction: Transaction, before: Before) -> Vec<Finding> {
    let source = Source { path: PathBuf::from("a.sql"), text: sql.to_owned(), transaction };
    review(&Set { files: vec![source], before, ..Set::default() }, None).findings
}

/// What is known after these files, without a database.
pub(crate) fn facts_of(before: &str) -> Facts<'static> {
    let before = Before::Files(vec![before.to_owned()]);
    super::judge::facts(&Set { before, ..Set::default() }, None)
}

#[track_caller]
pub(crate) fn fires(id: &str, sql: &str) {
    let found = found(sql, Transaction::Set, Before::Unknown);
    assert!(found.iter().any(|finding| finding.id == id), "{id} does not fire on: {sql}\n{found:#?}");
}

#[track_caller]
pub(crate) fn silent(id: &str, sql: &str) {
    let found = found(sql, Transaction::Set, Before::Unknown);
    assert!(!found.iter().any(|finding| finding.id == id), "{id} fires on: {sql}\n{found:#?}");
}
