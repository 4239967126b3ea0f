//! The workflow file: its model, how it is read, what is wrong with it. Knows neither databases nor how a step is run.

pub mod condition;
pub mod diagnostic;
pub mod duration;
pub mod graph;
pub mod load;
pub mod model;
pub mod schema;
pub mod validate;

/// What one types for a run of this workflow: a verb with its arguments, or nothing to go on.
#[must_use]
pub fn command(workflow: &str, words: &str) -> String {
    match (workflow, words) {
        ("db-change", "") => "cargo xtask db-change".to_owned(),
        ("db-change", words) => format!("cargo xtask db-change {words}"),
        (name, "") => format!("cargo xtask run {name}"),
        (name, words) => format!("cargo xtask db-change {words} --workflow {name}"),
    }
}

pub use load::{Loaded, load};
pub use model::{Lane, Step, Tree};
pub use validate::Catalogue;
