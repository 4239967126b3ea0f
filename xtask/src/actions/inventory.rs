//! `inventory`: what the repo and the database hold, and what is wrong with it, before anything is changed.

use anyhow::Result;

use super::world::World;
use crate::drizzle::inventory::{self, Folder, Problem};
use crate::drizzle::layout::Layout;
use crate::drizzle::{History, config, folder_problems, journal, migrate, schema};
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::process::Command;
use crate::state::Evidence;
use crate::workflow::Step;

/// What was found on the base.
struct Found {
    migrations: Vec<String>,
    applied: Vec<(String, i64)>,
    pending: Vec<String>,
    problems: Vec<Problem>,
    schema_files: usize,
    tables: usize,
    snapshot: String,
}

pub(super) fn inventory(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    scripts(world, context)?;
    let found = look(world, &world.base(context, &context.log)?)?;
    if !found.problems.is_empty() {
        return Err(failure(&found.problems).into());
    }
    let summary =
        format!("{} migrations, {} applied, {} tables", found.migrations.len(), found.applied.len(), found.tables);
    let pending: Vec<toml::Value> = found.pending.iter().cloned().map(Into::into).collect();
    Ok(Outcome::Passed(
        Evidence::new(summary)
            .proven("migrations", found.migrations.iter().cloned().map(Into::into).collect::<Vec<toml::Value>>())
            .proven("snapshot", found.snapshot)
            .info("applied", i64::try_from(found.applied.len())?)
            .info("pending", pending)
            .info("schema_files", i64::try_from(found.schema_files)?),
    ))
}

/// The scripts that later steps call are there: better told now than after the backup.
fn scripts(world: &World<'_>, context: &StepContext<'_>) -> Result<()> {
    let project = world.work(&context.log)?;
    project.require(&project.kit.generate, &project.kit.scripts)?;
    project.require(&project.kit.migrate, &project.kit.migrate_in)?;
    let runs = |step: &&Step| {
        step.off.is_none() && (step.lanes.is_empty() || context.lane().is_none_or(|lane| step.lanes.contains(&lane)))
    };
    for step in world.loaded.steps().map(|(_, step)| step).filter(runs) {
        let with = |name: &str| step.with.iter().find(|(key, _)| key.get_ref() == name)?.1.as_str();
        let script = with("script").map(|script| format!("bun run '{script}'"));
        if let Some(Ok(command)) = script.as_deref().or_else(|| with("command")).map(Command::parse) {
            project.require(&command, &world.root)?;
        }
    }
    Ok(())
}

/// Looks at one tree and at the source database; whatever cannot be looked at is an error.
fn look(world: &World<'_>, project: &crate::drizzle::Project) -> Result<Found> {
    let config = config::load(project)?;
    let history = History::load(&config.out)?;
    let mut client = world.read_source()?;
    let applied = migrate::applied(&mut client, &config)?;
    let shown = project.relative(&config.out);
    let folder = Folder { path: &config.out, shown: &shown };
    let rows: Vec<journal::Applied> = applied.iter().map(|row| (row.hash.clone(), row.created_at)).collect();
    let mut problems = match history.layout {
        Layout::Journal => inventory::problems(folder, &journal::load(&config.out)?, &rows).problems,
        Layout::Folders => folder_problems::problems(&history, &applied),
    };
    let files = schema::read(project, &config, None)?;
    problems.extend(schema::not_exported(project, &files)?);
    // A broken chain has no newest snapshot to compare with; its own problem is told already.
    let newest = if problems.is_empty() { Some(history.latest(project)?) } else { None };
    problems.extend(newest.iter().filter_map(|newest| inventory::schema_without_migration(newest, &files.snapshot)));
    let pending = history.pending(&applied).into_iter().map(|entry| entry.tag.clone()).collect();
    Ok(Found {
        migrations: history.entries.iter().map(|entry| entry.tag.clone()).collect(),
        pending,
        applied: rows,
        problems,
        schema_files: files.files.len(),
        tables: files.snapshot.tables().len(),
        snapshot: newest.map(|newest| newest.id().to_owned()).unwrap_or_default(),
    })
}

/// All problems, each with its remedy.
fn failure(problems: &[Problem]) -> Failure {
    let count = problems.len();
    let mut failure = Failure::step(format!("the base has {count} problem{}", if count == 1 { "" } else { "s" }));
    for problem in problems {
        let migration = problem.migration.as_deref().map(|tag| format!(" {tag}")).unwrap_or_default();
        failure = failure.detail(format!("{}{migration}: {}\n  {}", problem.kind, problem.message, problem.remedy));
    }
    failure.hint("mend these first: a change on top of them would carry them along")
}
