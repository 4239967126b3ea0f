pub mod digest;
pub mod engine;

pub mod failure;

pub mod process;
pub mod repo;
pub mod sql;
pub mod state;
pub mod workflow;
