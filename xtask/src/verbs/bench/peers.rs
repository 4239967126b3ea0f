//! What the benches need beside this program: `just`, and repositories to work in.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::failure::Failure;
use crate::process::Run;
use crate::process::tools::{self, Tool};

/// The `just` to compare with where none is installed; PyPI carries its binaries.
const JUST: &str = "1.59.0";

/// `just` from PATH, else the pinned one, fetched into `target/` once.
pub(super) fn just(root: &Path) -> Result<Tool> {
    let fetched = || root.join("target/bench").join(format!("just-{JUST}"));
    let (path, found_in) = match tools::on_path("just") {
        Some(path) => (path, "PATH"),
        None => (fetch(&fetched())?, "target"),
    };
    let version = tools::version_line(&path)
        .ok_or_else(|| Failure::environment(format!("`{}` does not answer `--version`", path.display())))?;
    Ok(Tool { name: "just".to_owned(), path, version, found_in: found_in.to_owned() })
}

fn fetch(folder: &Path) -> Result<PathBuf> {
    let program = folder.join("bin/just");
    if program.is_file() {
        return Ok(program);
    }
    let none = |reason: &str| {
        Failure::environment(format!("there is no `just`, and {reason}"))
            .hint("install it (https://just.systems) or Python with pip")
    };
    let python = tools::on_path("python3").ok_or_else(|| none("it cannot be fetched without Python"))?;
    let above = folder.parent().context("a folder in `target`")?;
    // Renamed into place when it is whole.
    let work = tempfile::tempdir_in(above).with_context(|| format!("creating a folder in `{}`", above.display()))?;
    let options = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"];
    let output = Run::new(python, work.path())
        .args(options)
        .args(["--only-binary", ":all:", "--target", "just", &format!("rust-just=={JUST}")])
        .run()?;
    if !output.success() {
        return Err(none("fetching it failed").detail(output.tail(5)).into());
    }
    std::fs::rename(work.path().join("just"), folder).with_context(|| format!("making `{}`", folder.display()))?;
    Ok(program)
}

/// Makes `folder` a git repository with everything in it committed.
pub(super) fn commit_all(folder: &Path) -> Result<()> {
    for args in [
        ["init", "--quiet", "--initial-branch=main"].as_slice(),
        &["config", "user.name", "bench"],
        &["config", "user.email", "bench@example.com"],
        &["add", "--all"],
        &["commit", "--quiet", "--message", "all"],
    ] {
        crate::repo::git::git(folder, args)?;
    }
    Ok(())
}
