//! `generate`: drizzle-kit writes the migration, and it holds the declared operations, no more and no less.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::change::{self, Change};
use super::schema::history_of;
use super::world::World;
use crate::drizzle::layout::Place;
use crate::drizzle::{self, Entry, History, Snapshot, diff, generate as kit, schema};
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::sql::{Operation, statements};
use crate::state::{Evidence, durable};

/// In the run's folder for as long as drizzle-kit is at work.
const MAKING: &str = "making-a-migration";

/// The migration of a run, as `generate` left it.
#[derive(Clone, Debug)]
pub(super) struct Migration {
    pub tag: String,
    pub hash: String,
    pub when: i64,
    /// Absolute.
    pub file: PathBuf,
    /// As a person types it, from the repo's root.
    pub shown: String,
}

impl Migration {
    pub(super) fn of(context: &StepContext<'_>) -> Result<Migration> {
        Ok(Migration {
            tag: context.proven("generate", "tag")?,
            hash: context.proven("generate", "hash")?,
            when: context.proven("generate", "when")?,
            file: context.proven("generate", "file")?,
            shown: context.proven("generate", "shown")?,
        })
    }

    /// Its row in the migrator's books: hash and time.
    pub(super) fn row(&self) -> String {
        format!("{} {}", self.hash, self.when)
    }

    pub(super) fn sql(&self) -> Result<String> {
        fs::read_to_string(&self.file).with_context(|| format!("reading `{}`", self.file.display()))
    }

    /// What stands around its SQL.
    pub(super) fn place(&self) -> Place<'_> {
        Place::of(&self.file, &self.tag)
    }

    /// The schemas before and after it, from the work tree.
    pub(super) fn snapshots(&self, world: &World<'_>, context: &StepContext<'_>) -> Result<(Snapshot, Snapshot)> {
        let (_, history) = history_of(world)?;
        history.around(&world.work(&context.log_of("snapshots"))?, &self.tag)
    }
}

pub(super) fn generate(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let base = change::base_snapshot(world, context)?;
    let project = world.work(&context.log)?;
    let config = world.config()?;
    let base_project = world.base(context, &context.log_of("base"))?;
    let base_history = History::load(&drizzle::config::load(&base_project)?.out)?;
    let making = context.kept(MAKING);
    if making.exists() {
        clear_up(world, config, &base_history)?;
    }
    let now = schema::of_schema(&project, config, Some(base.id()))?;
    let history = History::load(&config.out)?;
    check_history(&base_history, &history)?;
    let new: Vec<&Entry> = history.entries.iter().filter(|entry| base_history.entry(&entry.tag).is_none()).collect();
    let made = match new.as_slice() {
        [] => false,
        [entry] => {
            let (_, after) = history.around(&project, &entry.tag)?;
            let same = diff::differences(&after, &now, &[]).is_empty();
            if !same {
                set_aside(world, context, &history, entry)?;
            }
            same
        }
        _ => {
            let tags = new.iter().map(|entry| entry.tag.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Failure::step(format!(
                "{} migrations are new since the base, and a run carries one: {tags}",
                new.len()
            ))
            .hint("commit the others first, or take them away")
            .into());
        }
    };
    if !made {
        context.say("bun run db:generate");
        let name = change.slug().replace('-', "_");
        durable::write(&making, name.as_bytes())?;
        // What did not end well was put back; without this the file says that nobody was left to do so.
        let made = kit::generate(&project, config, &name, &change.operations);
        fs::remove_file(&making).with_context(|| format!("removing `{}`", making.display()))?;
        made?;
    } else if making.exists() {
        fs::remove_file(&making).with_context(|| format!("removing `{}`", making.display()))?;
    }
    let history = History::load(&config.out)?;
    let entry = history.entries.iter().find(|entry| base_history.entry(&entry.tag).is_none());
    let entry = entry.context("a migration was generated")?;
    let (before, after) = history.around(&project, &entry.tag)?;
    let found = diff::differences(&before, &after, &change.operations);
    check_operations(&change.operations, &found)?;
    let file = history.sql_path(entry);
    let sql = fs::read_to_string(&file).with_context(|| format!("reading `{}`", file.display()))?;
    check_sql(&change.operations, &sql)?;
    let shown = project.relative(&file);
    Ok(Outcome::Passed(
        Evidence::new(Place::of(&file, &entry.tag).name())
            .proven("tag", entry.tag.clone())
            .proven("hash", history.hash(entry)?)
            .proven("when", entry.when)
            .proven(
                "operations",
                found.iter().map(|operation| operation.to_string().into()).collect::<Vec<toml::Value>>(),
            )
            .proven("statements", i64::try_from(statements::parse(&sql).statements.len())?)
            .info("file", file.display().to_string())
            .info("shown", shown),
    ))
}

/// The base's migrations are as they were: databases have run them, and no other edit would be rehearsed anywhere.
fn check_history(base: &History, now: &History) -> Result<()> {
    let mut changed = Vec::new();
    for (index, entry) in base.entries.iter().enumerate() {
        let same = now.entries.get(index) == Some(entry)
            && base.hash(entry)? == now.hash(entry)?
            && fs::read(base.snapshot_path(entry)).ok() == fs::read(now.snapshot_path(entry)).ok();
        if !same {
            changed.push(entry.tag.clone());
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let out = now.out.display();
    Err(Failure::step(format!("migrations of the base are not as they were: {}", changed.join(", ")))
        .detail("its SQL, its snapshot or its place in the order differs from the base commit, where databases took it from")
        .hint(format!("take the edit back (git diff {out}) and write it as a migration of its own"))
        .into())
}

/// The declared operations and those that the snapshots show must be the same.
fn check_operations(declared: &[Operation], found: &[Operation]) -> Result<()> {
    let list =
        |operations: Vec<&Operation>| operations.iter().map(|operation| format!("{operation}\n")).collect::<String>();
    let missing: Vec<_> = declared.iter().filter(|operation| !found.contains(operation)).collect();
    let extra: Vec<_> = found.iter().filter(|operation| !declared.contains(operation)).collect();
    if missing.is_empty() && extra.is_empty() {
        return Ok(());
    }
    let mut failure = Failure::step("the migration is not the declared change");
    if !missing.is_empty() {
        failure = failure.detail(format!("missing: {}", list(missing)));
    }
    if !extra.is_empty() {
        failure = failure.detail(format!("not declared: {}", list(extra)));
    }
    Err(failure.hint("edit the schema files, or abort this run and declare what you mean").into())
}

/// A rename must be one in the SQL too: `DROP` and `ADD` lose the data.
fn check_sql(declared: &[Operation], sql: &str) -> Result<()> {
    use statements::Action;
    let statements = statements::parse(sql).statements;
    let actions =
        || statements.iter().flat_map(|statement| statement.actions.iter().map(move |action| (statement, action)));
    let drops = |action: &Action| matches!(action, Action::DropColumn { .. } | Action::DropTable { .. });
    if let Some((statement, _)) = actions().find(|(_, action)| drops(action)) {
        return Err(
            Failure::step(format!("the SQL drops what nobody declared to drop (line {})", statement.line)).into()
        );
    }
    for operation in declared {
        let done = |action: &Action| match (operation, action) {
            (Operation::RenameColumn { table, from, to }, Action::RenameColumn { table: on, from: old, to: new }) => {
                (table, from, to) == (on, old, new)
            }
            (Operation::AddColumn { table, column, .. }, Action::AddColumn(added)) => {
                (table, column) == (&added.table, &added.column)
            }
            _ => false,
        };
        if !actions().any(|(_, action)| done(action)) {
            return Err(Failure::step(format!("the SQL does not do it: {operation}")).into());
        }
    }
    Ok(())
}

/// A runner was killed while drizzle-kit was writing. Where only a part of a migration is there, the next try would take it for one
/// that was made; the part goes to the run's folder.
fn clear_up(world: &World<'_>, config: &drizzle::Config, base: &History) -> Result<()> {
    let history = History::load(&config.out)?;
    let torn = |entry: &&Entry| base.entry(&entry.tag).is_none() && history.is_torn(entry);
    let lost: Vec<Entry> = history.entries.iter().filter(torn).cloned().collect();
    remove(world, &history, &lost)?;
    let of_base = |path: &PathBuf| path.strip_prefix(&config.out).is_ok_and(|inside| base.out.join(inside).exists());
    for path in History::load(&config.out)?.stray_snapshots().iter().filter(|path| !of_base(path)) {
        keep_away(world, &config.out, path)?;
        fs::remove_file(path).with_context(|| format!("removing `{}`", path.display()))?;
    }
    Ok(())
}

/// Takes migrations out of the history; what they were goes to the run's folder first.
fn remove(world: &World<'_>, history: &History, unwanted: &[Entry]) -> Result<()> {
    let removal = history.without(unwanted)?;
    for path in &removal.files {
        keep_away(world, &history.out, path)?;
    }
    if let Some((path, text)) = &removal.index {
        durable::write(path, text.as_bytes())?;
    }
    for path in &removal.files {
        fs::remove_file(path).with_context(|| format!("removing `{}`", path.display()))?;
    }
    for folder in removal.folders {
        // One that holds anything else stays.
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// A copy in the run's folder of a file in the migrations folder that is about to go.
fn keep_away(world: &World<'_>, out: &Path, path: &Path) -> Result<()> {
    let copy = world.folder.kept("set-aside").join(path.strip_prefix(out).context("a file of the migrations folder")?);
    durable::create_folder(copy.parent().context("a file stands in a folder")?)?;
    fs::copy(path, copy).map(|_| ()).with_context(|| format!("keeping `{}`", path.display()))
}

/// The run's own migration no longer fits the schema: it goes to the run's folder, and the history is the base's again.
fn set_aside(world: &World<'_>, context: &StepContext<'_>, history: &History, entry: &Entry) -> Result<()> {
    let ours = context.evidence("generate").ok().and_then(|evidence| {
        let text = |name: &str| evidence.proven.get(name).and_then(toml::Value::as_str).map(str::to_owned);
        Some((text("tag")?, text("hash")?))
    });
    if ours != Some((entry.tag.clone(), history.hash(entry)?)) {
        return Err(Failure::step(format!(
            "`{}` does not say what the schema files say, and was not made, or was edited, outside this run",
            entry.tag
        ))
        .hint("take the edited migration away (all that `git status` shows of it) or undo the schema edit")
        .into());
    }
    remove(world, history, std::slice::from_ref(entry))
}
