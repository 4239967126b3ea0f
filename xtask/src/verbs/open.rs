//! Finding what a verb works on: the repo, its workflow file, the run of this branch.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::actions;
use crate::cli::DB_CHANGE;
use crate::engine::person;
use crate::failure::Failure;
use crate::process::places;
use crate::repo::git;
use crate::state::{Home, RunFolder, State};
use crate::state::{durable, lock};
use crate::workflow::validate::is_name;
use crate::workflow::{self, Loaded, command};

/// The repo around the current folder.
pub(super) struct Repo {
    pub root: PathBuf,
    pub home: Home,
    pub branch: String,
    /// Whose runs are meant.
    pub workflow: String,
}

/// The current folder.
pub(super) fn here() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| {
        Failure::environment(format!("there is no current folder: {error}"))
            .hint("it was removed, or is closed to you: go to the repo with `cd` and run the same command again")
            .into()
    })
}

pub(super) fn repo(workflow: &str) -> Result<Repo> {
    if !is_name(workflow) {
        return Err(Failure::usage(format!("`{workflow}` is not the name of a workflow"))
            .hint(
                "a workflow is named like its file in `workflows/`, without `.toml`: letters, digits, `-`, `_` and `.`",
            )
            .into());
    }
    let root = git::root(&here()?)?;
    if workflow == DB_CHANGE {
        bun_repo(&root)?;
    }
    let branch = git::branch(&root)?;
    Ok(Repo { home: Home::at(&root), branch, root, workflow: workflow.to_owned() })
}

/// A workflow as its file stands now.
pub(super) fn current(root: &Path, name: &str) -> Result<Loaded> {
    workflow::load(&workflow::load::path_of(root, name), &actions::catalogue())
}

fn bun_repo(root: &Path) -> Result<()> {
    if !root.join("package.json").exists() {
        return Err(Failure::usage(format!("`{}` is not a bun repo: it has no `package.json`", root.display()))
            .hint("run this in the repo whose schema you change; to see it at work: cargo xtask demo")
            .into());
    }
    Ok(())
}

/// The workflow that a run goes by: the one it began with, or has adopted since.
pub(super) fn pinned(root: &Path, folder: &RunFolder, state: &State) -> Result<Loaded> {
    let path = workflow::load::path_of(root, &state.workflow);
    let kept = folder.workflow(&state.workflow_digest);
    let loaded = kept.map(|text| workflow::load::parse(&path, &text, &actions::catalogue())).transpose()?;
    // A file that says the same serves as well.
    let current = || current(root, &state.workflow).ok();
    let same = |loaded: &Loaded| loaded.digest() == state.workflow_digest;
    loaded.filter(same).or_else(|| current().filter(same)).ok_or_else(|| {
        Failure::refused(format!("the workflow that the run `{}` goes by is not there any more", state.run))
            .detail(format!(
                "it was kept in {}, and `{}` says something else now",
                folder.path().display(),
                path.display()
            ))
            .hint(format!("bring `{}` back as it was then: git log -p", path.display()))
            .hint(format!("or end the run: {}", command(&state.workflow, "abort --reason TEXT")))
            .into()
    })
}

/// What nothing in the work tree may change about a run: that it has ended, and that its base is what its branch came from.
pub(super) fn hold_to_the_record(repo: &Repo, folder: &RunFolder, state: &mut State) -> Result<()> {
    if let Ok(outcome) = std::fs::read_to_string(ended_path(repo, state)?) {
        let aside = repo.home.path().join(format!("set-aside-{}", state.run));
        return Err(Failure::refused(format!(
            "the run `{}` has ended, and its state is of a time before that",
            state.run
        ))
        .detail(outcome)
        .hint(format!("set it aside: mv {} {}", folder.path().display(), aside.display()))
        .hint(format!("then begin again: {}", command(&state.workflow, "")))
        .into());
    }
    if !git::in_history(&repo.root, &state.base)? && !state.by_person.iter().any(|name| name == person::ALL) {
        // A commit that nobody will see in this branch's history says nothing about whose word counts.
        state.by_person.push(person::ALL.to_owned());
    }
    Ok(())
}

/// Remembers outside the work tree that a run has ended.
pub(super) fn record_end(repo: &Repo, state: &State) -> Result<()> {
    let path = ended_path(repo, state)?;
    places::ensure(path.parent().unwrap_or(&path), 0o700)?;
    durable::write(&path, state.outcome.as_deref().unwrap_or("done").as_bytes())
}

/// A run of before there were nonces has no record.
fn ended_path(repo: &Repo, state: &State) -> Result<PathBuf> {
    let name = if state.nonce.is_empty() { "none" } else { &state.nonce };
    Ok(places::state(&repo.root)?.join("ended").join(name))
}

impl Repo {
    /// The open change of this branch, or the last one, as it stands for someone who only looks.
    pub(super) fn last_run(&self) -> Result<(RunFolder, State)> {
        let found = self.home.last_run(&self.workflow, &self.branch)?;
        let (folder, mut state) = found.ok_or_else(|| {
            Failure::usage(format!("there is no run on the branch `{}`", self.branch))
                .hint(match self.workflow.as_str() {
                    DB_CHANGE => "start one: edit the schema files and run `cargo xtask db-change`, or `cargo xtask db-change start --help`".to_owned(),
                    name => format!("start one: {}", command(name, "")),
                })
        })?;
        if lock::is_free(&self.home) {
            state.interrupt_running();
        }
        Ok((folder, state))
    }

    /// The open change of this branch.
    pub(super) fn open_run(&self) -> Result<(RunFolder, State)> {
        let found = self.home.open_run(&self.workflow, &self.branch)?;
        let (folder, mut state) = found.ok_or_else(|| {
            Failure::refused(format!("there is no open run on the branch `{}`", self.branch))
                .hint(command(&self.workflow, "runs"))
        })?;
        hold_to_the_record(self, &folder, &mut state)?;
        Ok((folder, state))
    }
}
