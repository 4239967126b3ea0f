//! What Drizzle keeps in files and what drizzle-kit does with them: journal, snapshots, generate, migrate, intent versus result.
//!
//! Invariant: drizzle-kit's exit code proves nothing (0.31 ends with 0 on a dead prompt, a schema that throws and a skipped
//! migration), so every call is judged by what it left behind: files, digests, rows of the migrations table.

pub mod config;
pub mod diff;
mod diff_objects;
pub mod export;
pub(crate) mod follow;
pub mod generate;
pub mod inventory;
mod inventory_applied;
mod inventory_snapshots;
mod inverse;
pub mod journal;
pub mod migrate;
pub mod project;
mod prompt;
pub mod recover;
pub mod rollback;
pub mod schema;
pub mod snapshot;

pub use config::Config;
pub use journal::{Entry, Journal};
pub use project::Project;
pub use snapshot::Snapshot;
