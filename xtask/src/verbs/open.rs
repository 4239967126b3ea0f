//! Finding what a verb works on: the repo, its workflow file, the run of this branch.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::actions;
use crate::failure::Failure;
use crate::repo::git;
use crate::state::lock;
use crate::state::{Home, RunFolder, State};
use crate::workflow::{self, Loaded};

/// The workflow whose verbs these are.
pub(super) const DB_CHANGE: &str = "db-change";

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
    workflow::load(&workflow::load::path_of(root, DB_CHANGE), &actions::catalogue())
}

impl Repo {
    /// The open change of this branch, or the last one, as it stands for someone who only looks.
    pub(super) fn last_run(&self) -> Result<(RunFolder, State)> {
        let found = self.home.last_run(DB_CHANGE, &self.branch)?;
        let (folder, mut state) = found.ok_or_else(|| {
            Failure::usage(format!("there is no run on the branch `{}`", self.branch))
                .hint("start one: edit the schema files and run `cargo xtask db-change`, or `cargo xtask db-change start --help`")
        })?;
        if lock::is_free(&self.home) {
            state.interrupt_running();
        }
        Ok((folder, state))
    }

    /// The open change of this branch.
    pub(super) fn open_run(&self) -> Result<(RunFolder, State)> {
        self.home.open_run(DB_CHANGE, &self.branch)?.ok_or_else(|| {
            Failure::refused(format!("there is no open run on the branch `{}`", self.branch))
                .hint("cargo xtask db-change runs")
                .into()
        })
    }
}
