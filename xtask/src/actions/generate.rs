//! `generate`: drizzle-kit writes the migration, and it holds the declared operations, no more and no less.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::change::{self, Change};
use super::schema::journal_of;
use super::world::World;
use crate::drizzle::{self, Entry, Snapshot, diff, generate as kit, journal, schema, snapshot};
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

    /// The snapshots before and after it, from the work tree.
    pub(super) fn snapshots(&self, world: &World<'_>) -> Result<(Snapshot, Snapshot)> {
        let (config, journal) = journal_of(world)?;
        snapshot::around(&config.out, &journal, &self.tag)
    }
}

pub(super) fn generate(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let base = change::base_snapshot(world, context)?;
    let project = world.work(&context.log)?;
    let config = world.config()?;
    let base_project = world.base(context, &context.log_of("base"))?;
    let base_out = drizzle::config::load(&base_project)?.out;
    let base_journal = journal::load(&base_out)?;
    let making = context.kept(MAKING);
    if making.exists() {
        clear_up(world, config, &base_out, &base_journal)?;
    }
    let now = schema::of_schema(&project, config, Some(base.id()))?;
    let journal = journal::load(&config.out)?;
    check_history((&base_out, &base_journal), (&config.out, &journal))?;
    let new: Vec<&Entry> = journal.entries.iter().filter(|entry| base_journal.entry(&entry.tag).is_none()).collect();
    let made = match new.as_slice() {
        [] => false,
        [entry] => {
            let (_, after) = snapshot::around(&config.out, &journal, &entry.tag)?;
            let same = diff::differences(&after, &now, &[]).is_empty();
            if !same {
                set_aside(world, context, config, &base_journal, entry)?;
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
        context.say(&world.shown("generate"));
        let name = change.slug().replace('-', "_");
        durable::write(&making, name.as_bytes())?;
        // What did not end well was put back; without this the file says that nobody was left to do so.
        let made = kit::generate(&project, config, &name, &change.operations);
        fs::remove_file(&making).with_context(|| format!("removing `{}`", making.display()))?;
        made?;
    } else if making.exists() {
        fs::remove_file(&making).with_context(|| format!("removing `{}`", making.display()))?;
    }
    let journal = journal::load(&config.out)?;
    let entry = journal.entries.iter().find(|entry| base_journal.entry(&entry.tag).is_none());
    let entry = entry.context("a migration was generated")?;
    let (before, after) = snapshot::around(&config.out, &journal, &entry.tag)?;
    let found = diff::differences(&before, &after, &change.operations);
    check_operations(&change.operations, &found)?;
    let file = journal::sql_path(&config.out, entry);
    let sql = fs::read_to_string(&file).with_context(|| format!("reading `{}`", file.display()))?;
    check_sql(&change.operations, &sql)?;
    let shown = project.relative(&file);
    Ok(Outcome::Passed(
        Evidence::new(format!("{}.sql", entry.tag))
            .proven("tag", entry.tag.clone())
            .proven("hash", journal::hash(&config.out, entry)?)
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
fn check_history((base_out, base): (&Path, &drizzle::Journal), (out, now): (&Path, &drizzle::Journal)) -> Result<()> {
    let mut changed = Vec::new();
    for (index, entry) in base.entries.iter().enumerate() {
        let same = now.entries.get(index) == Some(entry)
            && journal::hash(base_out, entry)? == journal::hash(out, entry)?
            && fs::read(journal::snapshot_path(base_out, entry)).ok()
                == fs::read(journal::snapshot_path(out, entry)).ok();
        if !same {
            changed.push(entry.tag.clone());
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    let out = out.display();
    Err(Failure::step(format!("migrations of the base are not as they were: {}", changed.join(", ")))
        .detail("its SQL, its snapshot or its journal entry differs from the base commit, where databases took it from")
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

/// A runner was killed while drizzle-kit was writing: snapshot, then journal, then SQL (0.31). Where only a part of it is there, the
/// next try would take the snapshot for a migration that was made; the part goes to the run's folder.
fn clear_up(
    world: &World<'_>,
    config: &drizzle::Config,
    base_out: &Path,
    base_journal: &drizzle::Journal,
) -> Result<()> {
    let out = &config.out;
    let mut journal = journal::load(out)?;
    let torn = |entry: &Entry| {
        let empty = fs::metadata(journal::sql_path(out, entry)).map_or(true, |found| found.len() == 0);
        base_journal.entry(&entry.tag).is_none()
            && (empty || snapshot::load(&journal::snapshot_path(out, entry)).is_err())
    };
    let (lost, kept): (Vec<Entry>, Vec<Entry>) = journal.entries.drain(..).partition(torn);
    let whole: Vec<PathBuf> = kept.iter().map(|entry| journal::snapshot_path(out, entry)).collect();
    if !lost.is_empty() {
        journal.entries = kept;
        let text = serde_json::to_string_pretty(&journal).context("describing the journal")?;
        durable::write(&journal::path(out), text.as_bytes())?;
    }
    let meta = out.join("meta");
    let snapshots = fs::read_dir(&meta).with_context(|| format!("listing `{}`", meta.display()))?;
    let stray = snapshots.flatten().map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default();
        let snapshot = name.to_string_lossy().ends_with("_snapshot.json");
        snapshot && !whole.contains(path) && !base_out.join("meta").join(name).exists()
    });
    let sql = lost.iter().map(|entry| journal::sql_path(out, entry)).filter(|path| path.exists());
    for path in stray.chain(sql) {
        keep_away(world, &path)?;
        fs::remove_file(&path).with_context(|| format!("removing `{}`", path.display()))?;
    }
    Ok(())
}

/// A copy in the run's folder of a file that is about to go.
fn keep_away(world: &World<'_>, path: &Path) -> Result<()> {
    let folder = world.folder.kept("set-aside");
    durable::create_folder(&folder)?;
    let name = path.file_name().context("a file has a name")?;
    fs::copy(path, folder.join(name)).map(|_| ()).with_context(|| format!("keeping `{}`", path.display()))
}

/// The run's own migration no longer fits the schema: it goes to the run's folder, and the base's journal comes back.
fn set_aside(
    world: &World<'_>,
    context: &StepContext<'_>,
    config: &drizzle::Config,
    base_journal: &drizzle::Journal,
    entry: &Entry,
) -> Result<()> {
    let ours = context.evidence("generate").ok().and_then(|evidence| {
        let text = |name: &str| evidence.proven.get(name).and_then(toml::Value::as_str).map(str::to_owned);
        Some((text("tag")?, text("hash")?))
    });
    let hash = journal::hash(&config.out, entry)?;
    if ours != Some((entry.tag.clone(), hash)) {
        return Err(Failure::step(format!(
            "`{}` does not say what the schema files say, and was not made, or was edited, outside this run",
            entry.tag
        ))
        .hint("take the edited migration away (its .sql, its snapshot, its journal entry) or undo the schema edit")
        .into());
    }
    for path in [journal::sql_path(&config.out, entry), journal::snapshot_path(&config.out, entry)] {
        keep_away(world, &path)?;
    }
    let text = serde_json::to_string_pretty(&base_journal).context("describing the journal")?;
    durable::write(&journal::path(&config.out), text.as_bytes())?;
    for path in [journal::sql_path(&config.out, entry), journal::snapshot_path(&config.out, entry)] {
        fs::remove_file(&path).with_context(|| format!("removing `{}`", path.display()))?;
    }
    Ok(())
}
