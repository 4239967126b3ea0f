//! The review of migrations: what loses data, breaks running code, fails on the rows, or makes others wait.
//!
//! A hazard is a declaration in `hazards/`; what is known of the tables is in the catalog; a database, where one may be asked, decides what
//! only rows can. Invariant: what could not be judged is a finding that says so, never silence.

pub mod accept;
mod added;
pub mod advisory;
mod affected;
pub mod baseline;
pub mod behaviour;
mod by_column;
pub mod catalog;
pub mod comment;
mod condition;
pub mod cost;
pub mod day;
pub mod definition;
mod dependants;
pub mod facts;
pub mod files;
pub mod finding;
pub mod hazard;
pub mod hazards;
pub mod indexes;
pub mod judge;
pub mod known;
pub mod live;
pub mod lock;
mod missing;
mod named;
pub mod page;
pub mod partitions;
mod refused;
pub mod render;
mod replaced;
mod retype;
pub mod scan;
pub mod scene;
mod seeds;
mod sequence;
pub mod session;
pub mod set;
pub mod suppress;
mod surroundings;
#[cfg(test)]
pub(crate) mod testing;
pub mod types;
mod usage;
mod volatility;
mod weighed;
mod written;

pub use day::Day;
pub use finding::{Accepted, Class, DecidedBy, Finding, Severity};
pub use judge::{last_review, review};
pub use live::Asked;
pub use lock::Lock;
pub use set::{Before, Report, Set, Source, Transaction};
