//! `bench`: this project's figures, as ratios against named peers measured in the same run.
//!
//! Invariant: nothing passes or fails by the clock alone. Ours and the peer take turns, medians are compared, and both are
//! release builds. The one exception is the cold build, whose peer is the number of CPU-seconds that the design allows.
//!
//! Adding one: a file here with a function that fills a [`Pair`], and its row in [`BENCHES`].

mod build;
mod engine;
mod figure;
mod peers;
mod plan;
mod resume;
mod review;
mod server;
mod status;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;
use xshell::{Shell, cmd};

use self::figure::{Outcome, Pair};
use crate::failure::Failure;
use crate::process::interrupt;
use crate::report::terminal::{data, print};
use crate::workflow::diagnostic::did_you_mean;

/// One figure that the project holds itself to.
struct Bench {
    name: &'static str,
    /// The largest ratio of our median to the peer's.
    bar: f64,
    measure: fn(&Place) -> Result<Pair>,
}

/// Those that remove many files come last: for minutes after that, making a file is slow on ext4, and just makes none.
const BENCHES: &[Bench] = &[
    Bench { name: "engine-step", bar: 3.0, measure: engine::step },
    Bench { name: "resume-just", bar: 1.0, measure: resume::against_just },
    Bench { name: "resume-task", bar: 0.3, measure: resume::against_task },
    Bench { name: "plan-files", bar: 2.0, measure: plan::plan },
    Bench { name: "status", bar: 5.0, measure: status::status },
    Bench { name: "review-files", bar: 1.0, measure: review::many_files },
    Bench { name: "review-file", bar: 1.0, measure: review::one_file },
    Bench { name: "review-text", bar: 11.0, measure: review::text },
    Bench { name: "review-live", bar: 0.1, measure: review::live },
    Bench { name: "server-tmpfs", bar: 0.2, measure: server::in_memory },
    Bench { name: "server-disk", bar: 0.4, measure: server::on_disk },
    Bench { name: "cold-build", bar: 1.0, measure: build::cold },
];

/// Where a bench works, and on what.
struct Place {
    /// The workspace.
    root: PathBuf,
    /// The release build of this program.
    program: PathBuf,
    /// A folder on the workspace's own disk, removed at the end.
    scratch: TempDir,
}

pub(super) fn bench(name: Option<&str>) -> Result<u8> {
    let chosen = chosen(name)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?.to_owned();
    if cfg!(debug_assertions) {
        return as_release(&root, name);
    }
    let folder = root.join("target/bench");
    std::fs::create_dir_all(&folder).with_context(|| format!("creating the folder `{}`", folder.display()))?;
    let place = Place {
        program: std::env::current_exe().context("this program's own path")?,
        scratch: tempfile::tempdir_in(&folder)
            .with_context(|| format!("creating a folder in `{}`", folder.display()))?,
        root,
    };
    let mut outcomes = Vec::new();
    for (index, bench) in chosen.iter().enumerate() {
        print(&format!("bench: {} ({} of {})\n", bench.name, index + 1, chosen.len()));
        let pair = (bench.measure)(&place);
        if interrupt::requested() {
            return Err(Failure::step("interrupted").into());
        }
        let pair = pair.map_err(|error| Failure::from_error(&error));
        outcomes.push(Outcome { name: bench.name, bar: bench.bar, pair });
    }
    data(&figure::table(&outcomes));
    Ok(u8::from(!outcomes.iter().all(Outcome::within)))
}

fn chosen(name: Option<&str>) -> Result<Vec<&'static Bench>> {
    let found: Vec<&Bench> = BENCHES.iter().filter(|bench| name.is_none_or(|name| name == bench.name)).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let names = || BENCHES.iter().map(|bench| bench.name);
    let name = name.unwrap_or_default();
    let failure = Failure::usage(format!("no bench is called `{name}`"))
        .detail(format!("there are: {}", names().collect::<Vec<_>>().join(", ")));
    Err(match did_you_mean(name, names()) {
        Some(guess) => failure.hint(guess),
        None => failure.hint("all of them: cargo xtask bench"),
    }
    .into())
}

/// Builds this program for release and lets that build do the measuring. It stays in our process group, so that Ctrl-C reaches it.
fn as_release(root: &Path, name: Option<&str>) -> Result<u8> {
    let shell = Shell::new().context("a shell")?;
    shell.change_dir(root);
    let run = cmd!(shell, "cargo run --release --package xtask --bin xtask -- bench {name...}");
    let status = Command::from(run).status().context("running cargo")?;
    status.code().and_then(|code| u8::try_from(code).ok()).context("the release build was ended by a signal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_bench_is_refused_with_the_nearest_name() {
        let failure = Failure::from_error(&bench(Some("server-tmp")).unwrap_err());
        assert_eq!((failure.kind.exit_code(), failure.message.as_str()), (2, "no bench is called `server-tmp`"));
        assert!(failure.render().contains("`server-tmpfs`"), "{}", failure.render());
    }
}
