//! PostgreSQL: servers that are thrown away, sessions, what a database is (schema and data), dumps and restores, timings.
//! Knows nothing of Drizzle, steps or runs.

pub mod at_fault;
pub mod backup;
pub mod catalog;
mod certificate;
pub mod checksum;
pub mod connect;
pub mod databases;
pub mod default_names;
pub mod error;
pub mod fingerprint;
pub mod fit;
pub mod folder;
pub mod lock_mode;
pub mod migrations;
pub mod pooler;
pub mod restore;
pub mod server;
mod service;
pub mod sessions;
pub mod sweep;
pub mod synthetic;
mod synthetic_columns;
pub mod template;
#[cfg(test)]
pub(crate) mod testing;
pub mod timing;
mod tls;
pub mod trial;
pub mod url;
pub mod watch;
