//! What people and programs see. Nothing here decides anything.

pub mod json;
pub mod page;
pub mod summary;
pub mod terminal;
