//! `--only STEP`: a step tried out of its turn. It works in a copy of the work tree, on copies of what earlier steps left;
//! no command of it learns where a real database is, and its state is no run's: nothing of it counts.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::change::shown_on;
use super::left_over;
use super::open::{self, Repo};
use super::place;
use crate::actions::commands;
use crate::actions::world::World;
use crate::cli::Go;
use crate::engine::runner::{Engine, Stop, unknown_step};
use crate::engine::view;
use crate::failure::Failure;
use crate::process::{Log, mark, places};
use crate::repo::copy;
use crate::report::page;
use crate::report::terminal::{data, print};
use crate::state::{Home, RunFolder, State, Status, lock};
use crate::workflow::load::expand;
use crate::workflow::{Loaded, Step, command};

pub(super) fn only(repo: &Repo, id: &str, go: &Go) -> Result<u8> {
    let (from, mut state) = repo.last_run()?;
    let loaded = open::pinned(&repo.root, &from, &state)?;
    let Some(step) = loaded.step(id) else { return Err(unknown_step(&loaded, id).into()) };
    refuse_urls(step, &state)?;
    if place::of(repo, &state)?.is_apart() {
        return Err(Failure::refused(format!("the run `{}` works in the tree of an earlier commit", state.run))
            .detail("a copy of the work tree, in which an experiment is made, is not what it is about")
            .hint("in its turn: cargo xtask db-change")
            .into());
    }

    let places = places::state(&repo.root)?.join("experiments");
    places::ensure(&places, 0o700)?;
    let _one = lock::take(&Home::at(&places), &format!("cargo xtask db-change --only {id}"))?;
    let place = places.join(id);
    let folder = repo.home.experiment(id);
    let tree = place.join("tree");
    left_over::wait_in(&tree)?;
    remove(&place, &places)?;
    remove(folder.path(), &repo.home.path().join("experiments"))?;
    places::ensure(&place, 0o700)?;
    copy::copy(&repo.root, &tree)?;
    Home::at(&tree).create()?;
    begin(&folder, &from, &loaded, &mut state, id)?;

    mark::bear(&tree, &state.run);
    print(&format!("experiment: `{id}` in a copy of the work tree; nothing of it counts\n"));
    for need in missing(&loaded, &state, id) {
        print(&format!("note: `{need}`, which comes before it, has not passed; what it leaves may be wanting\n"));
    }
    let base = state.base.clone();
    let world = World::new(&tree, &loaded, folder.clone(), &base).of_experiment(&repo.root, place.join("private"));
    if commands::has_lock(&tree) {
        world.install(&tree, "the copy of the work tree", &Log::at(folder.log_stem(0, "install")))?;
    }
    let display = shown_on(go);
    let jobs = go.jobs.map(usize::from);
    let mut engine = Engine { loaded: &loaded, host: &world, display, root: &tree, folder, state, jobs, lock: None };
    let stop = engine.only(id)?;
    let failure = match stop {
        Stop::Held { failure, .. } => Some(failure),
        Stop::Done | Stop::Ended(_) => None,
    };
    if let Some(failure) = &failure {
        let mut next = view::at(&loaded, &engine.state, id);
        next.command = format!("{}   (in its turn; an experiment takes no answer)", command(&repo.workflow, ""));
        print(&page::held(&engine.state.workflow, id, failure, Some(&next)));
    }
    let code = failure.as_ref().map_or(0, |failure| failure.kind.exit_code());
    let status = engine.state.step.get(id).map(|step| step.status.words());
    if go.json {
        let summary = engine.state.step.get(id).map(|step| step.summary.clone());
        let object = json!({
            "schema": "1.0", "experiment": id, "status": status, "summary": summary, "counts": false,
            "tree": tree, "folder": engine.folder.path(),
        });
        data(&format!("{object}\n"));
    }
    print(&format!(
        "\nexperiment: {}; nothing of it counts\n  the tree it ran in  {}\n  its evidence, logs  {}\n",
        status.unwrap_or("pending"),
        tree.display(),
        engine.folder.path().display()
    ));
    Ok(code)
}

/// Removes what an earlier experiment left, and nothing that does not lie right in the folder of experiments.
fn remove(earlier: &Path, experiments: &Path) -> Result<()> {
    if earlier.file_name().is_none() || earlier.parent() != Some(experiments) {
        return Err(Failure::refused(format!("`{}` is not in the folder of experiments", earlier.display()))
            .hint("give the step another id: lower-case letters, digits, `-` and `_`")
            .into());
    }
    if earlier.exists() {
        fs::remove_dir_all(earlier).with_context(|| format!("removing `{}`", earlier.display()))?;
    }
    Ok(())
}

/// A command that carries the place of a database could reach it.
fn refuse_urls(step: &Step, state: &State) -> Result<()> {
    let argv = step.run.iter().flat_map(|run| run.get_ref());
    let carries = argv
        .map(|arg| expand(arg, &state.captured))
        .any(|arg| arg.contains("postgres://") || arg.contains("postgresql://"));
    if !carries {
        return Ok(());
    }
    Err(Failure::refused(format!(
        "`{}` names a database in its command, and an experiment reaches none",
        step.id.get_ref()
    ))
    .hint("take the url from the environment: `env = [\"NAME\"]` and `$NAME`")
    .into())
}

/// A folder with copies of what the run's steps have left, and a state that bears another name.
fn begin(folder: &RunFolder, from: &RunFolder, loaded: &Loaded, state: &mut State, id: &str) -> Result<()> {
    folder.create()?;
    for (_, step) in loaded.steps() {
        let step = step.id.get_ref();
        if state.step.get(step).is_some_and(|state| state.status == Status::Passed) {
            folder.save_evidence(step, &from.evidence(step)?)?;
        }
    }
    let known = |name: &str| loaded.steps().any(|(_, step)| name == format!("{}.toml", step.id.get_ref()));
    for entry in fs::read_dir(from.kept("")).context("listing what the run keeps")? {
        let entry = entry.context("listing what the run keeps")?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_file()
            && !known(&name)
            && let Some(text) = from.record(&name)?
        {
            folder.save_record(&name, &text)?;
        }
    }
    state.run = format!("experiment-{id}");
    state.ended = None;
    state.outcome = None;
    folder.save(state)
}

/// The steps before this one that have not passed.
fn missing(loaded: &Loaded, state: &State, id: &str) -> Vec<String> {
    let done =
        |id: &String| state.step.get(id).is_some_and(|step| matches!(step.status, Status::Passed | Status::Skipped));
    loaded.ancestors(id).into_iter().filter(|before| before != id && !done(before)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_an_earlier_experiment_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let experiments = folder.path().join("experiments");
        let place = |name: &str| experiments.join(name);
        for name in ["b/deeper", "../victim"] {
            fs::create_dir_all(place(name)).unwrap();
        }
        let victim = folder.path().join("victim");
        for name in ["..", "../victim", "b/../../victim", ".", "b/deeper", &victim.to_string_lossy()] {
            assert!(remove(&place(name), &experiments).is_err(), "{name}");
        }
        assert!(victim.exists() && place("b/deeper").exists());
        remove(&place("b"), &experiments).unwrap();
        assert!(!place("b").exists());
    }
}
