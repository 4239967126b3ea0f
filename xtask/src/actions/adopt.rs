//! Which committed migration is proven next, and against what: the commit before the one that brought it.
//!
//! A run carries one migration. Where the work tree holds later ones too, the run works in the tree of the last commit that
//! does not have them.

use std::path::Path;

use anyhow::Result;

use super::change::{Change, Origin};
use super::infer::{self, new_since};
use super::receipt;
use super::world::World;
use crate::drizzle::{Entry, History};
use crate::failure::Failure;
use crate::repo::git;
use crate::workflow::diagnostic::did_you_mean;

/// A migration to prove.
#[derive(Debug)]
pub struct Adoption {
    pub tag: String,
    /// The commit before it.
    pub base: String,
    /// The commit whose tree the run works in; none is the work tree.
    pub tree: Option<String>,
}

impl World<'_> {
    /// The world of a run that may work in the tree of an earlier commit of this repo.
    #[must_use]
    pub fn of_repo(mut self, home: &Path) -> Self {
        home.clone_into(&mut self.home);
        self
    }
}

/// The migrations of this branch that no run has proven, oldest first: those that the base branch does not have.
pub fn unproven(world: &World<'_>) -> Result<Vec<String>> {
    let out = &world.config()?.out;
    let history = History::load(out)?;
    let Some(since) = base_of_branch(world)? else { return Ok(Vec::new()) };
    let uncommitted: Vec<String> = tags(&new_since(world, &history, "HEAD")?);
    let new = new_since(world, &history, &since)?;
    let open = new.into_iter().filter(|entry| !uncommitted.contains(&entry.tag) && !receipt::proves(&history, entry));
    Ok(open.map(|entry| entry.tag.clone()).collect())
}

/// Errors: not in the journal, not committed, brought by the first commit or together with others.
pub fn choose(world: &World<'_>, tag: &str) -> Result<Adoption> {
    let out = &world.config()?.out;
    let history = History::load(out)?;
    let entry = history.entry(tag).ok_or_else(|| unknown(tag, &history))?;
    if new_since(world, &history, "HEAD")?.iter().any(|new| new.tag == tag) {
        return Err(Failure::usage(format!("`{tag}` is not committed: it is a change of the work tree"))
            .hint("prove it as that: cargo xtask db-change")
            .into());
    }
    let commit = brought_by(world, &history, entry)?;
    let base = git::parent(&world.root, &commit)?.ok_or_else(|| {
        Failure::refused(format!("`{tag}` came with the first commit: there is nothing before it to compare with"))
            .hint("what every database has from the start needs no proof; prove the ones after it")
            .hint("in a shallow clone the first commit is only the first that was fetched: git fetch --unshallow")
    })?;
    let new = new_since(world, &history, &base)?;
    let tree = match new.as_slice() {
        [_] => None,
        _ => Some(tree_of(world, &history, entry, &commit, &base)?),
    };
    Ok(Adoption { tag: tag.to_owned(), base, tree })
}

/// Whether a run has passed with the migration as it stands.
pub fn is_proven(world: &World<'_>, tag: &str) -> Result<bool> {
    let out = &world.config()?.out;
    let history = History::load(out)?;
    Ok(history.entry(tag).is_some_and(|entry| receipt::proves(&history, entry)))
}

/// The change that a committed migration is, read in the tree that the run will work in.
pub fn read(world: &World<'_>, adoption: &Adoption) -> Result<Change> {
    let history = History::load(&world.config()?.out)?;
    let entry = history.entry(&adoption.tag).ok_or_else(|| unknown(&adoption.tag, &history))?;
    let change = infer::migration(world, &history, entry, Origin::Commit)?;
    Ok(Change { tree: adoption.tree.clone(), ..change })
}

fn tags(entries: &[&Entry]) -> Vec<String> {
    entries.iter().map(|entry| entry.tag.clone()).collect()
}

fn unknown(tag: &str, history: &History) -> Failure {
    let known = history.entries.iter().map(|entry| entry.tag.as_str());
    let failure = Failure::usage(format!("no migration is called `{tag}`"));
    match did_you_mean(tag, known) {
        Some(guess) => failure.hint(guess),
        None => failure.hint("see them all: cargo xtask db-change inventory --json"),
    }
}

fn name_of(world: &World<'_>, history: &History, entry: &Entry) -> String {
    let path = history.sql_path(entry);
    path.strip_prefix(&world.root).unwrap_or(&path).to_string_lossy().into_owned()
}

/// The commit that added its file.
fn brought_by(world: &World<'_>, history: &History, entry: &Entry) -> Result<String> {
    let name = name_of(world, history, entry);
    git::added_by(&world.root, &name)?.ok_or_else(|| {
        Failure::step(format!("no commit of this branch has added `{name}`"))
            .hint("fetch the whole history: git fetch --unshallow")
            .into()
    })
}

/// The last commit that has this migration and none after it.
fn tree_of(world: &World<'_>, history: &History, entry: &Entry, commit: &str, base: &str) -> Result<String> {
    let out = &world.config()?.out;
    let folder = out.strip_prefix(&world.root).unwrap_or(out).to_string_lossy().into_owned();
    let before = git::files_at(&world.root, base, &folder)?;
    let names: Vec<String> = history.entries.iter().map(|entry| name_of(world, history, entry)).collect();
    let brings = |at: &str| -> Result<Vec<&Entry>> {
        let there = git::files_at(&world.root, at, &folder)?;
        let new =
            history.entries.iter().zip(&names).filter(|(_, name)| there.contains(*name) && !before.contains(*name));
        Ok(new.map(|(entry, _)| entry).collect())
    };
    let next = history.entries.iter().skip_while(|other| other.tag != entry.tag).nth(1);
    let until = next.and_then(|next| brought_by(world, history, next).ok()).filter(|next| next != commit);
    let until = until.and_then(|next| git::parent(&world.root, &next).ok().flatten());
    for at in until.iter().map(String::as_str).chain([commit]) {
        if git::is_ancestor(&world.root, commit, at)? && brings(at)?.len() == 1 {
            return Ok(at.to_owned());
        }
    }
    let together = tags(&brings(commit)?).join(", ");
    Err(Failure::refused(format!("the commit {} brings several migrations, and a run carries one", &commit[..12]))
        .detail(together)
        .hint("split the commit, so that each migration comes with its schema: git rebase --interactive")
        .into())
}

/// Where this branch left the base branch. None: there is no such branch, or this is it.
fn base_of_branch(world: &World<'_>) -> Result<Option<String>> {
    let root = &world.root;
    let named = world.loaded.var("base_branch").map(str::to_owned);
    let names = named.map_or_else(|| vec!["main".to_owned(), "master".to_owned()], |name| vec![name]);
    let head = git::head(root)?;
    for name in names.iter().flat_map(|name| [format!("refs/remotes/origin/{name}"), format!("refs/heads/{name}")]) {
        if let Some(base) = git::merge_base(root, &name)?.filter(|base| *base != head) {
            return Ok(Some(base));
        }
    }
    Ok(None)
}
