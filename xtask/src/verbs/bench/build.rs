//! The cold debug build: what a new reader waits for before the first command. The one bar in absolute numbers, because there
//! is no other project to build; CPU-seconds, so that a busy machine does not decide.

use std::time::Duration;

use anyhow::Result;

use super::Place;
use super::figure::{Pair, cpu_seconds};
use crate::failure::Failure;
use crate::process::{Run, environment};

/// What the design allows.
const CPU_SECONDS: f64 = 240.0;

pub(super) fn cold(place: &Place) -> Result<Pair> {
    let target = tempfile::tempdir_in(place.scratch.path())?;
    let mut build =
        Run::new("cargo", &place.root).args(["build", "--quiet", "--locked"]).timeout(Duration::from_secs(3600));
    for name in ["CARGO_HOME", "RUSTUP_HOME"] {
        if let Some(value) = environment::var(name) {
            build = build.env(name, value);
        }
    }
    build.env.insert("CARGO_TARGET_DIR".to_owned(), target.path().display().to_string());
    let spent = cpu_seconds(|| {
        let output = build.run()?;
        if output.success() {
            return Ok(());
        }
        Err(Failure::step("the cold build failed").detail(output.tail(12)).into())
    })?;
    Ok(Pair {
        ours: vec![spent],
        peer: vec![CPU_SECONDS],
        unit: "CPU-s",
        what: "`cargo build` into an empty target folder, packages downloaded before".to_owned(),
        against: format!("the {CPU_SECONDS} CPU-seconds that the design allows"),
    })
}
