//! What people and programs see. Nothing here decides anything.

pub mod json;
pub mod page;
mod rows;
mod screen;
pub mod steps;
pub mod summary;
pub mod terminal;
