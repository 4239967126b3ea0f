//! SQL as this project sees it: operations, statements, findings and the SQL that we write ourselves.

pub mod operation;

pub use operation::{Operation, TableName};
