//! `backup`: a dump that counts only because it was restored and found equal, table by table, to its own snapshot.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};

use super::change::Change;
use super::generate::Migration;
use super::probe;
use super::world::World;
use crate::digest;
use crate::engine::{Host, Outcome, StepContext};
use crate::failure::Failure;
use crate::numbers::thousands;
use crate::pg::backup::PARTIAL;
use crate::pg::{pooler, restore, url};
use crate::process::places;
use crate::state::Evidence;

/// In the run's folder: the names of its dumps, one a line.
const BEGUN: &str = "backups.txt";

pub(super) fn backup(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let source = world.source_name().to_owned();
    refuse_after_apply(world, context, &source)?;
    let folder = world.private()?.join("backups");
    places::ensure(&folder, 0o700)?;
    remove_partial(&folder)?;
    let stamp = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(':', "");
    let earlier = begun(context, &folder)?;
    let (name, file) = free_name(&folder, &format!("{}-{source}-{stamp}", context.state.run), &earlier);
    context.say(&format!("pg_dump of `{source}`"));
    remember(context, earlier.iter().chain([&file]))?;
    let outcome = take(world, context, &source, &folder, &name);
    // One that was not proven equal is none; once one was, a run needs no other.
    let (gone, kept) = if outcome.is_ok() { (earlier, vec![file]) } else { (vec![file], earlier) };
    let tidied = gone.iter().try_for_each(|path| remove(path)).and_then(|()| remember(context, &kept));
    let outcome = outcome?;
    tidied.map(|()| outcome)
}

/// A name that no dump has had: the earlier ones of this run are about to go, and one of them may be of the same second.
fn free_name(folder: &Path, name: &str, earlier: &[PathBuf]) -> (String, PathBuf) {
    let names = std::iter::once(name.to_owned()).chain((2..1000).map(|n| format!("{name}-{n}")));
    let mut named = names.map(|name| (name.clone(), folder.join(format!("{name}.dump"))));
    let found = named.find(|(_, file)| !earlier.contains(file) && !file.exists());
    found.unwrap_or_else(|| (name.to_owned(), folder.join(format!("{name}.dump"))))
}

/// The dumps in `folder` that this run has begun: no other is ever removed.
fn begun(context: &StepContext<'_>, folder: &Path) -> Result<Vec<PathBuf>> {
    let text = context.folder.record(BEGUN)?.unwrap_or_default();
    Ok(text.lines().map(|name| folder.join(name)).collect())
}

fn remember<'a>(context: &StepContext<'_>, dumps: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
    let names = dumps.into_iter().filter_map(|path| path.file_name());
    let text: String = names.map(|name| format!("{}\n", name.to_string_lossy())).collect();
    context.folder.save_record(BEGUN, &text)
}

/// What a dump that was killed left under no name. Whoever holds the work tree's lock is alone here.
fn remove_partial(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing `{}`", folder.display()))? {
        let path = entry.with_context(|| format!("listing `{}`", folder.display()))?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PARTIAL)) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing `{}`", path.display()))
        }
        _ => Ok(()),
    }
}

/// Dumps, restores and compares.
fn take(world: &World<'_>, context: &StepContext<'_>, source: &str, folder: &Path, name: &str) -> Result<Outcome> {
    let from = world.url(source)?;
    pooler::refuse(&from, source, "a backup")?;
    world.require_one_database(source)?;
    let untold = from.untold();
    for line in &untold {
        context.note(line);
    }
    let taken = world.dump(context, folder, name)?;
    context.say("restoring it, to compare");
    let restored = world.empty(context)?;
    let seconds = world.restore(context, &taken.file, &taken.sha256, &url::exact(&restored.url)?)?.as_secs_f64();
    let mut client = world.connect(context, &restored.name)?;
    let proof = restore::prove(&taken, &mut client)?;
    drop(client);
    let applied = Change::was_applied(context);
    if !applied {
        world.keep_as_source(context, &restored)?;
    }
    world.drop_database(context, &restored)?;
    let version = &world.postgres()?.version;
    let same = version.split('.').next() == taken.identity.server_version.split(['.', ' ']).next();
    let mut summary = format!("{} tables, {} rows, restored and equal", proof.tables, thousands(proof.rows));
    if applied {
        summary = format!("{summary}; it has the migration already");
    }
    if !same {
        summary = format!(
            "{summary}; PostgreSQL {version} here, {} there: timings may differ",
            taken.identity.server_version
        );
    }
    Ok(Outcome::Passed(
        // Rows come and go on a live database; what later steps stand on is its state and that it was restored equal.
        Evidence::new(summary)
            .proven("state", world.probe(&format!("database:{source}"))?)
            .proven("restored", "equal")
            .info("source", source)
            .info("untold", untold.into_iter().map(Into::into).collect::<Vec<toml::Value>>())
            .info("file", taken.file.display().to_string())
            .info("sha256", taken.sha256.clone())
            .info("bytes", i64::try_from(taken.bytes).context("the size of the backup")?)
            .info("taken_at", i64::try_from(taken.taken_at).context("the time of the backup")?)
            .info("dump_seconds", taken.dump_seconds)
            .info("restore_seconds", seconds)
            .info("tables", i64::try_from(proof.tables)?)
            .info("rows", proof.rows)
            .info("server_version", taken.identity.server_version.clone()),
    ))
}

/// Why the backup that this run took cannot be restored any more.
pub(super) fn lost(context: &StepContext<'_>) -> Option<Failure> {
    if !context.passed("backup") {
        return None;
    }
    let file: PathBuf = context.proven("backup", "file").ok()?;
    let sha256: String = context.proven("backup", "sha256").ok()?;
    if digest::of_file(&file).is_ok_and(|now| now == sha256) {
        return None;
    }
    let what = format!("the backup `{}` is gone, or is not what was taken", file.display());
    Some(Failure::refused(what).hint(AGAIN))
}

/// The way on where the backup no longer serves.
pub(super) const AGAIN: &str = "run `cargo xtask db-change`: it backs up again first";

/// Once the source has the migration, a dump of it would take the place of the one that can bring the old state back.
fn refuse_after_apply(world: &World<'_>, context: &StepContext<'_>, source: &str) -> Result<()> {
    let Some(applying) = probe::applying(world, source)? else { return Ok(()) };
    if probe::see(world, source)?.applied.len() <= applying.before.applied.len() {
        return Ok(());
    }
    let kept: String = context.proven("backup", "file").unwrap_or_default();
    let rollback = super::rollback::path(&Migration::of(context)?);
    Err(Failure::refused(format!(
        "`{source}` has a migration of this run already: the backup of before stays as it is"
    ))
    .detail(format!("backup: {kept}"))
    .hint(format!("take the migration back first: psql \"$DATABASE_URL\" < {}", rollback.display()))
    .into())
}

#[cfg(test)]
mod tests {
    use super::free_name;
    use std::path::Path;

    #[test]
    fn a_dump_of_the_same_second_does_not_take_the_name_of_one_that_goes() {
        let folder = Path::new("/nowhere");
        assert_eq!(free_name(folder, "a", &[]).0, "a");
        assert_eq!(free_name(folder, "a", &[folder.join("a.dump")]).0, "a-2");
    }
}
