//! Takes a Drizzle schema change from idea to applied, in an order that cannot be skipped, and proves each step.

pub mod actions;
pub mod cli;
pub mod code;
pub mod digest;
pub mod drizzle;
pub mod engine;
pub mod failure;
pub mod pg;
pub mod process;
pub mod repo;
pub mod report;
pub mod sql;
pub mod state;
pub mod verbs;
pub mod workflow;
