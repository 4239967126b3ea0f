//! SQL as this project sees it: operations, statements, findings and the SQL that we write ourselves.

pub mod finding;
pub mod operation;
pub mod render;
pub mod review;
mod review_live;
mod review_rules;
pub mod statements;

pub use operation::{Operation, TableName};
