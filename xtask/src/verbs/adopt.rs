//! `db-change adopt`: a migration that is committed already, a colleague's mostly, goes through the same proofs.

use anyhow::Result;

use super::change;
use super::open::{self, Repo};
use super::place;
use crate::actions::adopt::{self, Adoption};
use crate::actions::world::World;
use crate::cli::{DB_CHANGE, Go};
use crate::failure::Failure;
use crate::report::terminal::print;
use crate::state::lock;
use crate::workflow::Loaded;

pub(super) fn adopt(tag: Option<&str>, go: &Go, workflow: &str) -> Result<u8> {
    if workflow != DB_CHANGE {
        return Err(Failure::usage(format!("`adopt` proves a schema change, which is not for `{workflow}`"))
            .hint(format!("cargo xtask run {workflow}"))
            .into());
    }
    let repo = open::repo(DB_CHANGE)?;
    let loaded = open::current(&repo.root, DB_CHANGE)?;
    let held = lock::take(&repo.home, "cargo xtask db-change adopt")?;
    change::refuse_second(&repo)?;
    let world = change::opening(&repo, &loaded)?;
    let Some(tag) = chosen(&world, tag)? else { return Ok(0) };
    let adoption = adopt::choose(&world, &tag)?;
    let change = read(&repo, &loaded, &adoption)?;
    let found = change::create(&repo, &loaded, &change, Some(&adoption.base))?;
    change::drive(&repo, loaded, found, go, held)
}

/// Reads the change in the tree that the run will work in.
fn read(repo: &Repo, loaded: &Loaded, adoption: &Adoption) -> Result<crate::actions::change::Change> {
    let root = match &adoption.tree {
        Some(commit) => {
            print(&format!("later migrations are left out: this run works in the tree of {}\n", &commit[..12]));
            place::at(repo, commit, &adoption.tag)?
        }
        None => place::Place::here(repo),
    };
    let world = World::new(&root.root, loaded, repo.home.run(".opening"), &adoption.base).of_repo(&repo.root);
    root.make(&world, true)?;
    change::asked_before_a_run(adopt::read(&world, adoption))
}

/// The named migration, or the oldest that is not proven. None: there is none.
fn chosen(world: &World<'_>, tag: Option<&str>) -> Result<Option<String>> {
    if let Some(tag) = tag {
        let tag = tag.trim_end_matches(".sql");
        if adopt::is_proven(world, tag)? {
            print(&format!("nothing to do: `{tag}` has its receipt, and is as it was proven\n"));
            return Ok(None);
        }
        return Ok(Some(tag.to_owned()));
    }
    let open = adopt::unproven(world)?;
    match open.as_slice() {
        [] => {
            print("nothing to do: this branch brings no committed migration that is not proven\n");
            print("next  name one of the base branch: cargo xtask db-change adopt TAG\n");
            Ok(None)
        }
        [only] => Ok(Some(only.clone())),
        [first, others @ ..] => {
            print(&format!("{} migrations are not proven: {}\n", open.len(), open.join(", ")));
            print(&format!("`{first}` goes first; then adopt again for {}\n", others.join(", ")));
            Ok(Some(first.clone()))
        }
    }
}
