//! The repository around a change.

pub mod copy;
pub mod git;
mod plain;
pub mod signature;
