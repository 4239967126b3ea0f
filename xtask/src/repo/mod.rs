//! The repository around a change.

pub mod copy;
pub mod git;
pub mod init;
mod plain;
pub mod signature;
