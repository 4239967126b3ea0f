//! The tree that a run works in: the repo's own work tree, or that of an earlier commit, where later migrations are no part
//! of what is proven.
//!
//! Invariant: a person edits in the work tree alone. What the run writes is given back to it, what was edited there is
//! brought along, and no file of the work tree that git knows is written over.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::open::Repo;
use crate::actions::world::World;
use crate::drizzle::layout::Layout;
use crate::process::{Log, places};
use crate::repo::git;
use crate::report::terminal::print;
use crate::state::{Home, State, durable};

pub(super) struct Place {
    pub root: PathBuf,
    apart: Option<Apart>,
}

struct Apart {
    work: PathBuf,
    commit: String,
    migration: String,
}

/// The tree of a run, made or not.
pub(super) fn of(repo: &Repo, state: &State) -> Result<Place> {
    let said = |name: &str| state.declared.get(name).and_then(toml::Value::as_str);
    match said("tree").zip(said("migration")) {
        Some((commit, migration)) => at(repo, commit, migration),
        None => Ok(Place::here(repo)),
    }
}

/// The tree of an earlier commit.
pub(super) fn at(repo: &Repo, commit: &str, migration: &str) -> Result<Place> {
    let root = places::state(&repo.root)?.join("adopt").join(&commit[..12.min(commit.len())]);
    let (commit, migration) = (commit.to_owned(), migration.to_owned());
    Ok(Place { root, apart: Some(Apart { work: repo.root.clone(), commit, migration }) })
}

impl Place {
    /// The repo's own work tree.
    pub(super) fn here(repo: &Repo) -> Place {
        Place { root: repo.root.clone(), apart: None }
    }

    pub(super) fn is_apart(&self) -> bool {
        self.apart.is_some()
    }

    /// Makes the tree, with its packages; `fresh` takes away what an earlier run has left in it.
    pub(super) fn make(&self, world: &World<'_>, fresh: bool) -> Result<()> {
        let Some(apart) = &self.apart else { return Ok(()) };
        places::ensure(self.root.parent().unwrap_or(&self.root), 0o700)?;
        git::worktree(&apart.work, &apart.commit, &self.root)?;
        if fresh {
            git::restore(&self.root)?;
        }
        Home::at(&self.root).create()?;
        let done = self.root.with_extension("installed");
        if !done.exists() {
            print("bun install in the tree of that commit, once\n");
            world.install(&self.root, "that commit", &Log::at(world.folder.log_stem(0, "install")))?;
            durable::write(&done, apart.commit.as_bytes())?;
        }
        Ok(())
    }

    /// What a person has edited in the work tree: files that the run has made, tests and rollbacks.
    pub(super) fn bring(&self) -> Result<()> {
        let Some(apart) = &self.apart else { return Ok(()) };
        let mut names = self.made()?;
        let is_ours = |name: &str| {
            let file = name.rsplit('/').next().unwrap_or(name);
            let rollback = file == "rollback.sql" || (file.starts_with("rollback_") && file.ends_with(".sql"));
            file.ends_with(".test.ts") || rollback
        };
        let edited = git::changed_files(&apart.work, "HEAD")?;
        names.extend(edited.into_iter().filter(|name| is_ours(name) && self.root.join(name).exists()));
        let rollbacks = [Layout::Journal, Layout::Folders].map(|layout| layout.rollback_name(&apart.migration));
        let is_rollback = |name: &&str| rollbacks.iter().any(|rollback| name.ends_with(rollback));
        let known = git::git(&apart.work, &["ls-files", "-z"])?;
        names.extend(known.split('\0').filter(is_rollback).map(str::to_owned));
        for name in names.iter().filter(|name| apart.work.join(name).is_file()) {
            copy(&apart.work, &self.root, name)?;
        }
        Ok(())
    }

    /// What the run has made; at its end also what it wrote into files of that commit.
    pub(super) fn give_back(&self, done: bool) -> Result<()> {
        let Some(apart) = &self.apart else { return Ok(()) };
        let known = git::git(&apart.work, &["ls-files", "-z"])?;
        for name in self.made()? {
            let same = fs::read(apart.work.join(&name)).ok() == fs::read(self.root.join(&name)).ok();
            if same {
                continue;
            }
            if known.split('\0').any(|file| file == name) {
                print(&format!(
                    "note: {name} is another one in the work tree; the run's is {}\n",
                    self.root.join(&name).display()
                ));
                continue;
            }
            copy(&self.root, &apart.work, &name)?;
        }
        if !done {
            return Ok(());
        }
        let written = git::git(&self.root, &["diff", "--no-color", "--no-ext-diff"])?;
        if written.is_empty() {
            return Ok(());
        }
        let patch = self.root.with_extension("patch");
        durable::write(&patch, written.as_bytes())?;
        let shown = patch.display().to_string();
        if git::try_git(&apart.work, &["apply", &shown])?.success() {
            return fs::remove_file(&patch).with_context(|| format!("removing `{shown}`"));
        }
        print(&format!(
            "note: the comments above the changed tables do not fit the work tree: git apply --3way {shown}\n"
        ));
        Ok(())
    }

    /// Files of the tree that its commit does not have.
    fn made(&self) -> Result<Vec<String>> {
        let listed = git::git(&self.root, &["ls-files", "--others", "--exclude-standard", "-z"])?;
        Ok(listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }
}

fn copy(from: &Path, to: &Path, name: &str) -> Result<()> {
    let text = fs::read(from.join(name)).with_context(|| format!("reading `{name}`"))?;
    let there = to.join(name);
    if fs::read(&there).ok().as_ref() == Some(&text) {
        return Ok(());
    }
    durable::create_folder(there.parent().unwrap_or(to))?;
    durable::write(&there, &text)
}
