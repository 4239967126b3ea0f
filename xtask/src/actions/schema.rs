//! Steps around the schema files: `implement` waits for the edit, `verify-schema` compares three ways to say what the schema
//! is, `annotate` documents the change above its table.

use anyhow::{Context, Result};

use super::change::{self, Change};
use super::code_impact;
use super::generate::{self, Migration};
use super::world::World;
use crate::code;
use crate::digest;
use crate::drizzle::layout::Layout;
use crate::drizzle::{History, Snapshot, config, diff, export, implied, schema};
use crate::engine::{Outcome, StepContext, files};
use crate::failure::Failure;
use crate::pg::default_names;
use crate::pg::error::Told;
use crate::pg::fingerprint::{self, Fingerprint};
use crate::sql::{Operation, TableName, nature};
use crate::state::{Evidence, durable};

/// The schema files differ from the base, can be read, and say what was declared, no more and no less.
pub(super) fn implement(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let base = change::base_snapshot(world, context)?;
    let project = world.work(&context.log)?;
    let now = schema::read(&project, world.config()?, Some(base.id()))?;
    let found = diff::differences(&base, &now.snapshot, &change.operations);
    let evidence = || Evidence::new(change.in_words()).proven("schema", schema_digest(&now.snapshot));
    let custom = change.operations.iter().any(generate::is_custom);
    if found.is_empty() && !custom {
        let source = code_impact::source(world, &world.root)?;
        let details = change.operations.iter().map(|operation| to_do(operation, &source, world)).collect();
        return Ok(Outcome::Edit {
            message: "Edit the schema files so that they say what was declared.".to_owned(),
            details,
            evidence: Evidence::default().proven("schema", schema_digest(&now.snapshot)),
        });
    }
    generate::check_operations(&change.operations, &found, "the schema files do not say what was declared")?;
    if custom && let Some(wanted) = generate::custom_file(world, context, &change)? {
        return Ok(wanted);
    }
    Ok(Outcome::Passed(evidence()))
}

/// What to edit, and where.
fn to_do(operation: &Operation, source: &code::schema::SchemaSource, world: &World<'_>) -> String {
    let place = operation.table().and_then(|table| source.table(table)).map_or_else(String::new, |table| {
        let file = table.file.strip_prefix(&world.root).unwrap_or(&table.file);
        format!("   {}:{}", file.display(), table.line)
    });
    format!("{operation}{place}")
}

/// The schema's content; a snapshot's ids are random and stay out.
fn schema_digest(snapshot: &Snapshot) -> String {
    let mut content = snapshot.0.clone();
    if let Some(object) = content.as_object_mut() {
        object.remove("id");
        object.remove("prevId");
    }
    digest::of(content.to_string())
}

/// The rehearsed copy against all migrations on an empty database, and against the schema files.
pub(super) fn verify(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let options = world.portable()?;
    let before = world.clone_of_base(context)?;
    let rehearsed = world.clone_of_rehearsed(context)?;
    let take = |database: &str| fingerprint::take(&mut world.connect(context, database)?, &options);
    let (was, is) = (take(&before.name)?, take(&rehearsed.name)?);
    let words = was.difference(&is);
    let touched = Change::of(context)?;
    let only_custom = touched.operations.iter().all(generate::is_custom);
    if words.is_empty() && !only_custom {
        return Err(Failure::step("the migration changed nothing in the schema").into());
    }
    context.say("all migrations on an empty database");
    let fresh = world.empty(context)?;
    world.migrate(context, world.work(&context.log_of("fresh"))?, &fresh.name)?;
    let from_migrations = take(&fresh.name)?;
    let drift = from_migrations.difference(&is);
    context.say("the schema files, exported by drizzle-kit");
    let exported = world.empty(context)?;
    let script = export::export(&world.work(&context.log_of("export"))?)?;
    let mut client = world.connect(context, &exported.name)?;
    client.batch_execute(&script).told("running what drizzle-kit exports")?;
    let mut implied = implied_names(world, context)?;
    if implied.is_empty() {
        implied = default_names::renames(&mut client, &mut world.connect(context, &fresh.name)?)?;
    }
    for statement in implied {
        client.batch_execute(&statement).told("giving the names that the migrations gave")?;
    }
    drop(client);
    let from_files = modelled(take(&exported.name)?);
    let unmodelled = modelled(from_migrations).difference(&from_files);
    let serious: Vec<&String> = drift
        .iter()
        .filter(|line| touched.all_tables().iter().any(|table| line.contains(&format!("{}.", table.name))))
        .chain(&unmodelled)
        .collect();
    if !serious.is_empty() {
        let lines = serious.iter().map(|line| format!("{line}\n")).collect::<String>();
        return Err(Failure::step("the migrated copy is not what migrations and schema files say")
            .detail(lines)
            .hint("`-` is what the migrations or the files have, `+` what the copy has; mend the side that is wrong")
            .into());
    }
    let list = |lines: &[String]| lines.iter().cloned().map(toml::Value::from).collect::<Vec<_>>();
    // What was declared stands first, what followed from it behind.
    let declared = |line: &&String| {
        touched
            .operations
            .iter()
            .any(|operation| line.contains(&format!(".{}.", operation.object().split('.').next().unwrap_or_default())))
    };
    let mut summary = words.iter().find(declared).or(words.first()).cloned().unwrap_or_default();
    if let Some(rename) = touched.operations.iter().find(|one| matches!(one, Operation::RenameTable { .. })) {
        summary = rename.to_string();
    }
    if words.len() > 1 {
        summary = format!("{summary}, and {} more", words.len() - 1);
    } else if words.is_empty() {
        summary = "nothing changed in the schema, as declared: data alone".to_owned();
    }
    if !drift.is_empty() {
        summary = format!("{summary}; drift elsewhere: {}", drift.len());
    }
    Ok(Outcome::Passed(Evidence::new(summary).proven("difference", list(&words)).proven("drift", list(&drift))))
}

/// What has to be called otherwise in a database made from the schema files, so that only what they say is compared.
fn implied_names(world: &World<'_>, context: &StepContext<'_>) -> Result<Vec<String>> {
    let migration = Migration::of(context)?;
    if migration.place().layout() == Layout::Journal {
        return Ok(Vec::new());
    }
    let (_, migrated) = migration.snapshots(world, context)?;
    let files = schema::of_schema(&world.work(&context.log_of("schema"))?, world.config()?, None)?;
    Ok(implied::renames(&files, &migrated))
}

/// The kinds of object that Drizzle's schema files can express.
fn modelled(mut fingerprint: Fingerprint) -> Fingerprint {
    const NOT_MODELLED: &[&str] = &[
        "function",
        "procedure",
        "aggregate",
        "trigger",
        "event trigger",
        "rule",
        "cast",
        "domain",
        "extension",
        "statistics",
        "schema",
    ];
    fingerprint.objects.retain(|object, _| !NOT_MODELLED.contains(&object.kind.as_str()));
    fingerprint
}

/// Writes `@migration` and `@breaking-change` above the changed tables, and checks that they stand there.
pub(super) fn annotate(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let migration = Migration::of(context)?;
    let files = files::files(&world.root, context.required("schema")?)?;
    let mut written = Vec::new();
    // Where the rows or the old code decided it, it is the change as a whole that breaks.
    let by_kind = change.operations.iter().any(nature::is_breaking);
    let breaks =
        |operation: &Operation| nature::is_breaking(operation) || !by_kind && super::impact::is_breaking(context);
    for operation in &change.operations {
        let source = code::schema::read(&files)?;
        // What is gone, and SQL of one's own, has no place in the schema files.
        let Some(table) = place_of(operation, &change).and_then(|table| source.table(&table).cloned()) else {
            continue;
        };
        let number = migration.tag.split('_').next().unwrap_or_default();
        let note = format!("{number} - {}: {operation}", change.title);
        let mut notes = vec![format!("@migration {note}")];
        if breaks(operation) {
            notes.push(format!("@breaking-change - {operation} (migration {number} required)"));
        }
        let text =
            std::fs::read_to_string(&table.file).with_context(|| format!("reading `{}`", table.file.display()))?;
        let annotated = code::annotate::annotate(&table.file, &text, &table.export, &notes)?;
        if annotated != text {
            durable::write(&table.file, annotated.as_bytes())?;
        }
        if !code::annotate::check(&table.file, &annotated, &table.export, &notes)? {
            return Err(Failure::step(format!("the comment above `{}` could not be written", table.export)).into());
        }
        written.push(table.file.strip_prefix(&world.root).unwrap_or(&table.file).display().to_string());
    }
    written.sort();
    written.dedup();
    if written.is_empty() {
        return Ok(Outcome::Skipped("no table of the schema files is left to document it at".to_owned()));
    }
    Ok(Outcome::Passed(
        Evidence::new(written.join(", "))
            .proven("files", written.into_iter().map(Into::into).collect::<Vec<toml::Value>>()),
    ))
}

/// The table above which an operation is documented, by its name after the change.
fn place_of(operation: &Operation, change: &Change) -> Option<TableName> {
    match operation {
        Operation::RenameTable { table, to } => Some(table.beside(to)),
        Operation::DropTable { .. } => None,
        operation => operation.table().or_else(|| change.tables.first()).cloned(),
    }
}

/// The configuration as the work tree has it, for steps that need no more of a project.
pub(super) fn history_of(world: &World<'_>) -> Result<(config::Config, History)> {
    let config = world.config()?.clone();
    let history = History::load(&config.out)?;
    Ok((config, history))
}
