//! The repository around a change.

pub mod git;
mod plain;
