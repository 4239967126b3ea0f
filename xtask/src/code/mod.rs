//! The TypeScript side of a change: what its tests prove, and where code uses what changed.
//!
//! Everything is read by a parser, never by pattern: a comment, a string and another table's column of the same name are
//! told apart. A file that cannot be read is an error that names it, never a file without findings.

pub mod annotate;
pub mod claims;
pub mod entry;
mod expressions;
pub mod imports;
pub mod junit;
mod parse;
pub mod red_green;
pub mod runner;
mod samples;
pub mod scaffold;
mod scaffold_kinds;
mod scaffold_parts;
mod scaffold_rows;
pub mod schema;
mod skeleton;
mod sql_text;
pub mod tests;
pub mod tokens;
pub mod typecheck;
mod types;
pub mod usages;
mod walk;
mod xml;
