//! Everything that starts another program: own process group, allow-listed environment, time limit, masked logs.
//!
//! Invariant: no child outlives its step. A time-out or an interrupt ends the whole group (TERM, grace, KILL), because
//! killing only the direct child leaves `node` at work behind `bun run` (measured: it applied the migration later).

pub mod account;
pub mod cache;
pub mod command;
pub mod doctor;
pub mod environment;
pub mod escapes;
pub mod fetch;
mod forms;
pub mod interrupt;
pub mod log;
pub mod mark;
pub mod mask;
pub mod orphans;
pub mod places;
pub mod pty;
pub mod rows;
pub mod spawn;
pub mod stream;
pub mod tools;

pub use command::Command;
pub use environment::refused_session;
pub use log::Log;
pub use mask::Mask;
pub use spawn::{Output, Run};
