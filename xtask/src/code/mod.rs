//! The TypeScript side of a change: what its tests prove, and where code uses what changed.
//!
//! Everything is read by a parser, never by pattern: a comment, a string and another table's column of the same name are
//! told apart. A file that cannot be read is an error that names it, never a file without findings.

pub mod junit;
pub mod red_green;
pub mod tests;
mod xml;
