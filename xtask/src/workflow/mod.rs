//! The workflow file: its model, how it is read, what is wrong with it. Knows neither databases nor how a step is run.

pub mod condition;
pub mod diagnostic;
pub mod duration;
pub mod load;
pub mod model;
pub mod schema;
pub mod validate;

pub use load::{Loaded, load};
pub use model::{Lane, Step, Tree};
pub use validate::Catalogue;
