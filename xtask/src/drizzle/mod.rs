//! What Drizzle keeps in files and what drizzle-kit does with them: history, snapshots, generate, migrate, intent versus result.
//! Which drizzle-kit (0.x or 1.x) a folder belongs to, [`layout`] says, and hardly anything else knows.
//!
//! Invariant: drizzle-kit's exit code proves nothing (0.31 ends with 0 on a dead prompt, a schema that throws and a skipped
//! migration), so every call is judged by what it left behind: files, digests, rows of the migrations table.

pub mod config;
pub mod diff;
mod diff_objects;
mod entities;
mod envelope;
pub mod export;
pub mod folder_problems;
pub mod folders;
pub(crate) mod follow;
pub mod generate;
mod hints;
pub mod history;
pub mod implied;
pub mod inventory;
mod inventory_applied;
mod inventory_snapshots;
mod inverse;
pub mod journal;
pub mod layout;
pub mod migrate;
pub mod project;
mod prompt;
pub mod recover;
pub mod rollback;
pub mod rollback_file;
pub mod schema;
pub mod snapshot;

pub use config::Config;
pub use history::History;
pub use journal::{Entry, Journal};
pub use project::Project;
pub use snapshot::Snapshot;
