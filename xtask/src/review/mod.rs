//! The review of migrations: what loses data, breaks running code, fails on the rows, or makes others wait.
//!
//! A hazard is a declaration in `hazards/`; what is known of the tables is in the catalog; a database, where one may be asked, decides what
//! only rows can. Invariant: what could not be judged is a finding that says so, never silence.

pub mod baseline;
pub mod comment;
pub mod day;
pub mod finding;
pub mod lock;
pub mod render;
pub mod scan;
pub mod set;
pub mod suppress;

pub use day::Day;
pub use finding::{Accepted, Class, DecidedBy, Finding, Severity};
pub use lock::Lock;
pub use set::{Before, Report, Set, Source, Transaction};
