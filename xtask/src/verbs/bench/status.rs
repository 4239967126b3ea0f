//! `db-change status` with an open run of the sample repo, against `git --version`: both are what people put into a prompt.

use std::path::Path;

use anyhow::{Context, Result};

use super::Place;
use super::engine::quiet_cpu;
use super::figure::Pair;
use super::peers;
use crate::failure::{Failure, Kind};
use crate::process::{Run, interrupt};
use crate::repo::git::git;

const ROUNDS: usize = 15;
/// One call is too short to measure on its own.
const CALLS: usize = 10;

pub(super) fn status(place: &Place) -> Result<Pair> {
    let repo = place.scratch.path().join("sample");
    sample(&place.root, &repo)?;
    begin(place, &repo)?;
    let ours = Run::new(&place.program, &repo).args(["db-change", "status"]);
    let version = Run::new("git", &repo).arg("--version");
    let mut pair = Pair { unit: "ms CPU", ..Pair::default() };
    let calls = |run: &Run| (0..CALLS).map(|_| quiet_cpu(run)).sum::<Result<f64>>();
    for _ in 0..ROUNDS {
        if interrupt::requested() {
            break;
        }
        pair.ours.push(calls(&ours)? * 1000.0 / CALLS as f64);
        pair.peer.push(calls(&version)? * 1000.0 / CALLS as f64);
    }
    pair.what = "`db-change status` with an open run of the sample repo".to_owned();
    pair.against = format!("`git --version` ({})", version.run()?.stdout.trim());
    Ok(pair)
}

/// The sample as a clone of this project has it, in a repository of its own.
fn sample(root: &Path, to: &Path) -> Result<()> {
    let from = root.join("tests/monorepo");
    let listed = git(&from, &["ls-files", "-z"])?;
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        put(&from.join(name), &to.join(name))?;
    }
    put(&root.join("workflows/db-change.toml"), &to.join("workflows/db-change.toml"))?;
    peers::commit_all(to)
}

fn put(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to.parent().unwrap_or(to))?;
    std::fs::copy(from, to).with_context(|| format!("copying `{}`", from.display()))?;
    Ok(())
}

/// A declared change that waits for its first word: no database is needed up to there.
fn begin(place: &Place, repo: &Path) -> Result<()> {
    let start = ["db-change", "start", "--title", "Rename email", "--rename", "users.email=users.email_address"];
    let output = Run::new(&place.program, repo).args(start).run()?;
    if output.code() == i32::from(Kind::Waiting.exit_code()) {
        return Ok(());
    }
    Err(Failure::step(format!("the run did not stop at its first question: exit code {}", output.code()))
        .detail(output.tail(8))
        .into())
}
