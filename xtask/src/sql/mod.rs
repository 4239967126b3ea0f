//! SQL as this project sees it: operations, statements, and the SQL that we write ourselves.

pub mod action;
mod cut;
pub mod effects;
pub mod flags;
pub mod guard;
pub mod intent;
pub mod names;
pub mod nature;
pub mod operation;
pub mod parts;
pub(crate) mod read;
pub mod remarks;
pub mod render;
pub mod statements;

pub use names::TableName;
pub use operation::{NewColumn, Operation};
