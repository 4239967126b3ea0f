//! Adopting an existing repo: look at what it has, and write what `cargo xtask db-change` needs there.
//!
//! `found` looks (with `packages`, `scripts`, `suites` and `surroundings`), `workflow_file`, `baseline` and `crate_files` say
//! what the files hold, `plan` writes them. Nothing that exists is changed without a word.

pub mod baseline;
pub mod crate_files;
pub mod found;
pub mod packages;
pub mod plan;
pub mod scripts;
pub mod suites;
pub mod surroundings;
pub mod workflow_file;

use anyhow::Result;

pub use crate_files::Source;
pub use found::{Found, Report, look};
pub use plan::{Addition, Does, Step};

use crate::workflow::schema;
use found::relative;

/// The files of an adoption, in the order in which they are written. Errors: a baseline that does not hold any more.
pub fn steps(found: &Found, source: &Source) -> Result<Vec<Step>> {
    let (root, out) = (&found.root, &found.config.out);
    let mut steps = vec![
        Step::new(root, "workflows/db-change.toml", workflow_file::text(found)?),
        Step::new(root, "workflows/schema.json", schema::text()?),
    ];
    if let Some(known) = baseline::load(root)? {
        baseline::check(&known, &found.history)?;
    }
    let now = baseline::of(&packages::shown(&relative(root, out)), &found.history)?;
    steps.push(Step::new(root, baseline::NAME, baseline::text(&now)?));
    if !root.join("Cargo.toml").exists() {
        // The versions that this library was tested with; cargo takes out what is not needed.
        steps.push(Step::new(root, "Cargo.lock", include_str!("../../../../Cargo.lock").to_owned()));
    }
    steps.extend(crate_files::steps(root, &found.name, source)?);
    Ok(steps)
}
