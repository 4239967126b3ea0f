//! Finding what a verb works on: the repo, its workflow file, the run of this branch.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::actions;
use crate::failure::Failure;
use crate::repo::git;
use crate::state::{Home, RunFolder, State};
use crate::workflow::{self, Loaded};

/// The repo around the current folder.
pub(super) struct Repo {
    pub root: PathBuf,
    pub home: Home,
    pub branch: String,
}

pub(super) fn repo() -> Result<Repo> {
    let here = std::env::current_dir().context("the current folder")?;
    let root = git::root(&here)?;
    let branch = git::branch(&root)?;
    Ok(Repo { home: Home::at(&root), branch, root })
}

/// The `db-change` workflow of a bun repo.
pub(super) fn db_change(root: &Path) -> Result<Loaded> {
    if !root.join("package.json").exists() {
        return Err(Failure::usage(format!("`{}` is not a bun repo: it has no `package.json`", root.display()))
            .hint("run this in the repo whose schema you change; to see it at work: cargo xtask demo")
            .into());
    }
    workflow::load(&workflow::load::path_of(root, "db-change"), &actions::catalogue())
}

impl Repo {
    /// The open run of this branch, or the last one.
    pub(super) fn last_run(&self) -> Result<(RunFolder, State)> {
        self.home.last_run(&self.branch)?.ok_or_else(|| {
            Failure::usage(format!("there is no run on the branch `{}`", self.branch))
                .hint("start one: edit the schema files and run `cargo xtask db-change`, or `cargo xtask db-change start --help`")
                .into()
        })
    }

    /// The open run of this branch.
    pub(super) fn open_run(&self) -> Result<(RunFolder, State)> {
        self.home.open_run(&self.branch)?.ok_or_else(|| {
            Failure::refused(format!("there is no open run on the branch `{}`", self.branch))
                .hint("cargo xtask db-change runs")
                .into()
        })
    }
}
