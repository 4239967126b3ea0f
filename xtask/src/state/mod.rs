//! What is remembered of a run, and how it is written so that a crash cannot damage it. Every write of state is here.

pub mod contents;
pub mod durable;
pub mod folder;
pub mod lock;
pub mod model;
pub mod seal;
pub mod stat_cache;

pub use folder::{Evidence, Home, RunFolder};
pub use model::{State, Status, StepState};
pub use stat_cache::StatCache;
