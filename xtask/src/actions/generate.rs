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
use crate::sql::names::literal;
use crate::sql::{Operation, intent, statements};
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
    clear_up(world, context, config, &base_history)?;
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
        context.say(&world.shown("generate"));
        marked(context, &change, |name| kit::generate(&project, config, name, &change.operations))?;
    }
    let history = History::load(&config.out)?;
    let entry = history.entries.iter().find(|entry| base_history.entry(&entry.tag).is_none());
    let entry = entry.context("a migration was generated")?;
    let (before, after) = history.around(&project, &entry.tag)?;
    let found = diff::differences(&before, &after, &change.operations);
    check_operations(&change.operations, &found, "the migration is not the declared change")?;
    let file = history.sql_path(entry);
    let sql = fs::read_to_string(&file).with_context(|| format!("reading `{}`", file.display()))?;
    let shown = project.relative(&file);
    check_sql(&change.operations, &sql, &shown)?;
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

/// SQL of one's own needs an empty migration to stand in: makes one where there is none. Gives what is waited for; none once
/// the file holds statements.
pub(super) fn custom_file(world: &World<'_>, context: &StepContext<'_>, change: &Change) -> Result<Option<Outcome>> {
    let project = world.work(&context.log)?;
    let config = world.config()?;
    let base = History::load(&drizzle::config::load(&world.base(context, &context.log_of("base"))?)?.out)?;
    clear_up(world, context, config, &base)?;
    let new = || -> Result<Option<PathBuf>> {
        let history = History::load(&config.out)?;
        let entry = history.entries.iter().find(|entry| base.entry(&entry.tag).is_none());
        Ok(entry.map(|entry| history.sql_path(entry)))
    };
    let file = match new()? {
        Some(file) => file,
        None => {
            context.say(&format!("{} --custom", world.shown("generate")));
            marked(context, change, |name| kit::custom(&project, config, name))?;
            new()?.context("a migration was generated")?
        }
    };
    let text = fs::read_to_string(&file).with_context(|| format!("reading `{}`", file.display()))?;
    if !statements::parse(&text).statements.is_empty() {
        return Ok(None);
    }
    Ok(Some(Outcome::Edit {
        message: format!("Write the SQL into {}.", project.relative(&file)),
        details: vec![change.in_words(), "between two statements: --> statement-breakpoint".to_owned()],
        evidence: Evidence::default(),
    }))
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
pub(super) fn check_operations(declared: &[Operation], found: &[Operation], what: &str) -> Result<()> {
    let missing: Vec<&Operation> =
        declared.iter().filter(|operation| !is_custom(operation) && !is_among(operation, found)).collect();
    let extra: Vec<&Operation> =
        found.iter().filter(|found| !declared.iter().any(|declared| declared.is_done_by(found))).collect();
    if missing.is_empty() && extra.is_empty() {
        return Ok(());
    }
    let list =
        |operations: &[&Operation]| operations.iter().map(|operation| format!("\n  {operation}")).collect::<String>();
    let mut failure = Failure::step(what);
    if !missing.is_empty() {
        failure = failure.detail(format!("declared, and not there:{}", list(&missing)));
    }
    if !extra.is_empty() {
        failure = failure.detail(format!("there, and not declared:{}", list(&extra)));
    }
    for rename in &missing {
        let Some(hint) = lost_rename(rename, &extra) else { continue };
        failure = failure.hint(hint);
    }
    Err(failure
        .hint("edit the schema files and run `cargo xtask db-change`")
        .hint("another intent is another run: cargo xtask db-change abort --reason TEXT, then start again")
        .into())
}

fn is_among(declared: &Operation, found: &[Operation]) -> bool {
    found.iter().any(|found| declared.is_done_by(found))
}

/// It leaves no trace in a snapshot.
pub(super) fn is_custom(operation: &Operation) -> bool {
    matches!(operation, Operation::Custom { .. })
}

/// A rename that became a drop and an add loses the data.
fn lost_rename(missing: &Operation, extra: &[&Operation]) -> Option<String> {
    let dropped = |operation: &&&Operation| match (missing, operation) {
        (Operation::RenameColumn { table, from, .. }, Operation::DropColumn { table: on, column }) => {
            (table, from) == (on, column)
        }
        (Operation::RenameTable { table, .. }, Operation::DropTable { table: on }) => table == on,
        (Operation::RenameEnumValue { name, from, .. }, Operation::DropEnumValue { name: of, value }) => {
            (name, from) == (of, value)
        }
        _ => false,
    };
    extra.iter().find(dropped)?;
    Some(format!("the declared rename became a drop, which loses data: {missing}"))
}

/// The SQL must do it too, and drop nothing else.
fn check_sql(declared: &[Operation], sql: &str, shown: &str) -> Result<()> {
    let statements::Parsed { statements, errors } = statements::parse(sql);
    if let Some(statement) = intent::undeclared_drops(declared, &statements).first() {
        return Err(Failure::step(format!("the SQL drops what nobody declared to drop (line {})", statement.line))
            .detail(format!("{shown}:{}:{}", statement.line, statement.column))
            .hint("take the statement out, or declare what is to go")
            .into());
    }
    let undone = intent::undone(declared, &statements);
    let Some(operation) = undone.first() else { return Ok(()) };
    let mut failure = Failure::step(format!("the SQL does not do it: {operation}"));
    // drizzle-kit 0.31 does not escape a quote in a name.
    if let Some(error) = errors.first() {
        failure = failure.detail(format!("line {} cannot be read: {}", error.line, error.message));
    }
    if let Operation::RenameEnumValue { name, from, to } = operation {
        // drizzle-kit 0.31 knows no such rename: it makes the type anew, and rows with the old value stop it.
        failure = failure
            .detail("drizzle-kit rebuilds the type instead, which fails on rows that hold the old value")
            .hint(format!(
                "write this into {shown} in the place of what is there: ALTER TYPE {} RENAME VALUE {} TO {};",
                name.quoted(),
                literal(from),
                literal(to)
            ));
    }
    Err(failure.hint(format!("edit {shown} and run `cargo xtask db-change`, or declare what you mean")).into())
}

/// Lets drizzle-kit make a migration of the change's name. What does not end well it puts back; while it is at work a file in the
/// run's folder says so, for the case that nobody is left to do that.
fn marked<T>(context: &StepContext<'_>, change: &Change, make: impl FnOnce(&str) -> Result<T>) -> Result<T> {
    let making = context.kept(MAKING);
    let name = change.slug().replace('-', "_");
    durable::write(&making, name.as_bytes())?;
    let made = make(&name);
    fs::remove_file(&making).with_context(|| format!("removing `{}`", making.display()))?;
    made
}

/// A runner was killed while drizzle-kit was writing. Where only a part of a migration is there, the next try would take it for one
/// that was made; the part goes to the run's folder.
fn clear_up(world: &World<'_>, context: &StepContext<'_>, config: &drizzle::Config, base: &History) -> Result<()> {
    let making = context.kept(MAKING);
    if !making.exists() {
        return Ok(());
    }
    let history = History::load(&config.out)?;
    let torn = |entry: &&Entry| base.entry(&entry.tag).is_none() && history.is_torn(entry);
    let lost: Vec<Entry> = history.entries.iter().filter(torn).cloned().collect();
    remove(world, &history, &lost)?;
    let of_base = |path: &PathBuf| path.strip_prefix(&config.out).is_ok_and(|inside| base.out.join(inside).exists());
    for path in History::load(&config.out)?.stray_snapshots().iter().filter(|path| !of_base(path)) {
        keep_away(world, &config.out, path)?;
        fs::remove_file(path).with_context(|| format!("removing `{}`", path.display()))?;
    }
    fs::remove_file(&making).with_context(|| format!("removing `{}`", making.display()))
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
