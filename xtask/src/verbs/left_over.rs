//! What outlived the runner of an interrupted step keeps every run of this work tree out until it ends, and is named: commands
//! by the mark in their environment, sessions on a development database by theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::actions::world::World;
use crate::engine::Host;
use crate::failure::{Failure, Kind};
use crate::pg::sessions::{self, Session};
use crate::pg::{connect, sweep, url};
use crate::process::orphans::{self, Orphan};
use crate::process::{interrupt, mark, places};
use crate::report::terminal::print;
use crate::state::{Home, Status};
use crate::workflow::model::Role;

/// A migration that is under way ends within this, or its end is not ours to wait for.
const PATIENCE: Duration = Duration::from_secs(10);
/// What takes longer is told.
const QUIET: Duration = Duration::from_secs(1);

/// Run → its steps that were at work when their runner ended.
type Interrupted = BTreeMap<String, BTreeSet<String>>;

/// Waits until nothing of an interrupted step is at work any more. Errors: busy, naming what is.
pub(super) fn wait(world: &World<'_>, home: &Home) -> Result<()> {
    let interrupted = interrupted(home)?;
    if interrupted.is_empty() {
        return Ok(());
    }
    // Servers of the killed runner too; what cannot be removed now is tried again with the next server.
    let _ = sweep::sweep();
    let begun = Instant::now();
    let mut told = false;
    loop {
        let (commands, sessions) = (commands(&world.home, &interrupted), sessions(world, &interrupted));
        if commands.is_empty() && sessions.is_empty() {
            return Ok(());
        }
        // Who waits for somebody else's lock comes no nearer to its end by our waiting.
        let stuck = commands.is_empty() && sessions.iter().all(|session| session.waits_for.is_some());
        if stuck || begun.elapsed() > PATIENCE {
            return Err(busy(&commands, &sessions).into());
        }
        if interrupt::requested() {
            return Err(Failure::step("interrupted while waiting for what is left of an interrupted run").into());
        }
        if !told && begun.elapsed() > QUIET {
            told = true;
            print(&format!("waiting for what is left of an interrupted run\n{}", lines(&commands, &sessions)));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A folder for temporary files that only this work tree's runs use: what a runner that was killed left there goes now.
pub(super) fn temporary(world: &World<'_>) -> Result<()> {
    let folder = world.private()?.join("tmp");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("removing `{}`", folder.display()))?;
    }
    places::ensure(&folder, 0o700)?;
    // Chosen already where a person at a terminal goes on: the same one.
    let _ = tempfile::env::override_temp_dir(&folder);
    Ok(())
}

/// Waits for the commands of an experiment that was killed: the folder they work in is about to be removed.
pub(super) fn wait_in(tree: &Path) -> Result<()> {
    let begun = Instant::now();
    loop {
        let commands = orphans::of(tree);
        if commands.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE || interrupt::requested() {
            return Err(busy(&commands, &[]).into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Of all runs of the work tree, ended ones too: a run can be given up while a command of it is still at work.
fn interrupted(home: &Home) -> Result<Interrupted> {
    let mut found = Interrupted::new();
    for state in home.interrupted_runs()? {
        let at_work =
            state.step.iter().filter(|(_, step)| matches!(step.status, Status::Running | Status::Interrupted));
        let steps: BTreeSet<String> = at_work.map(|(id, _)| id.clone()).collect();
        if !steps.is_empty() {
            found.insert(state.run, steps);
        }
    }
    Ok(found)
}

/// What a step that has passed left running on purpose is none of these.
fn commands(root: &Path, interrupted: &Interrupted) -> Vec<Orphan> {
    let counts = |orphan: &Orphan| {
        let steps = interrupted.get(&orphan.run);
        steps.is_some_and(|steps| orphan.step.as_ref().is_none_or(|step| steps.contains(step)))
    };
    orphans::of(root).into_iter().filter(counts).collect()
}

/// A database that does not answer is for the steps that need it to tell.
fn sessions(world: &World<'_>, interrupted: &Interrupted) -> Vec<Session> {
    let names: Vec<String> = interrupted.keys().map(|run| mark::session_of(&world.home, run)).collect();
    let targets = world.loaded.workflow.target.values().filter(|target| target.role == Role::Development);
    let urls: BTreeSet<String> = targets.filter_map(|target| world.env(&target.url_env)).collect();
    let ask = |text: &String| {
        let mut client = connect::connect_read_only(&url::parse(text)?, "db-change")?;
        sessions::named(&mut client, &names)
    };
    urls.iter().flat_map(|text| ask(text).unwrap_or_default()).collect()
}

fn lines(commands: &[Orphan], sessions: &[Session]) -> String {
    let of = |orphan: &Orphan| match &orphan.step {
        Some(step) => format!("{}, step `{step}`", orphan.run),
        None => orphan.run.clone(),
    };
    let commands = commands.iter().map(|orphan| {
        format!("  process {} ({}), group {}: {}\n", orphan.process, orphan.name, orphan.group, of(orphan))
    });
    commands.chain(sessions.iter().map(|session| format!("  {session}\n"))).collect()
}

fn busy(commands: &[Orphan], sessions: &[Session]) -> Failure {
    let mut failure = Failure::new(Kind::Busy, "what is left of an interrupted run is still at work");
    for line in lines(commands, sessions).lines() {
        failure = failure.detail(line.trim_start());
    }
    failure = failure.hint("wait until it ends, then run the same command again");
    if let Some(orphan) = commands.first() {
        failure = failure.hint(format!("or end it: kill -- -{}", orphan.group));
    }
    if let Some(session) = sessions.first() {
        let end = format!("psql \"$DATABASE_URL\" -c 'select pg_terminate_backend({})'", session.process);
        failure = failure.hint(format!("or end it: {end}"));
    }
    failure
}
