//! Where code uses what changes: `usages`, and the same question for `impact` and `api-tests`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::change::Change;
use super::world::World;
use crate::code::usages::{self, CodeImpact, Target};
use crate::code::{imports, schema};
use crate::engine::{Host, Outcome, StepContext, files};
use crate::sql::{Operation, TableName};
use crate::state::Evidence;

/// Uses in one tree of what changes, by each name that it has had: code may have been updated already, or in part.
pub(super) fn find(world: &World<'_>, context: &StepContext<'_>, tree: &Path, change: &Change) -> Result<CodeImpact> {
    let graph = imports::build(tree)?;
    let roots: Vec<PathBuf> = context.list("roots").iter().map(PathBuf::from).collect();
    uses(world, context, tree, &graph, change, &roots, &context.list("procedures"))
}

fn uses(
    world: &World<'_>,
    context: &StepContext<'_>,
    tree: &Path,
    graph: &imports::Graph,
    change: &Change,
    roots: &[PathBuf],
    procedures: &[String],
) -> Result<CodeImpact> {
    let mut source = source(world, tree)?;
    let base = self::source(world, &world.base_tree(context)?)?;
    let mut all = CodeImpact::default();
    for target in targets(change, &mut source, &base) {
        let found = usages::find(graph, &source, &target, roots, procedures)?;
        all.usages.extend(found.usages);
        all.files.extend(found.files);
        all.procedures.extend(found.procedures);
        all.components.extend(found.components);
        all.possible.extend(found.possible);
        all.not_judged.extend(found.not_judged);
    }
    all.usages.sort();
    all.usages.dedup();
    Ok(all)
}

/// What to look for. What has another name or is gone keeps the name that the base's code knows, so that what still uses it
/// is found; what the base does not have yet is looked for where the tree has it.
fn targets(change: &Change, source: &mut schema::SchemaSource, base: &schema::SchemaSource) -> Vec<Target> {
    let mut targets: Vec<Target> = change.operations.iter().filter_map(Target::of).collect();
    for operation in &change.operations {
        match operation {
            Operation::RenameColumn { table, to, .. } => {
                targets.push(Target { table: table.clone(), column: Some(to.clone()) });
            }
            Operation::RenameTable { table, to } => targets.push(Target { table: table.beside(to), column: None }),
            _ => {}
        }
    }
    if targets.is_empty() {
        let places = change.values.iter().filter_map(|place| place.rsplit_once('.'));
        targets.extend(places.map(|(table, column)| Target {
            table: TableName::from(table.to_owned()),
            column: (column != "*").then(|| column.to_owned()),
        }));
    }
    for target in &targets {
        let Some(old) = base.table(&target.table) else { continue };
        match source.tables.iter_mut().find(|known| known.name == target.table) {
            Some(known) => {
                let column = target.column.as_ref().filter(|column| known.column(column).is_none());
                known.columns.extend(column.and_then(|column| old.column(column)).cloned());
            }
            None => source.tables.push(old.clone()),
        }
    }
    let known = |target: &Target| {
        source.table(&target.table).is_some_and(|table| {
            table.opaque || target.column.as_ref().is_none_or(|column| table.column(column).is_some())
        })
    };
    targets.retain(known);
    targets.sort();
    targets.dedup();
    targets
}

/// The tables and columns as a tree's schema files define them.
pub(super) fn source(world: &World<'_>, tree: &Path) -> Result<schema::SchemaSource> {
    schema::read(&files::files(tree, world.var("schema_glob")?)?)
}

pub(super) fn usages(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let found = find(world, context, &world.root, &change)?;
    let (files, procedures, components) = (found.files.len(), found.procedures.len(), found.components.len());
    let places: Vec<toml::Value> = found
        .usages
        .iter()
        .filter(|usage| !usage.is_test)
        .map(|usage| format!("{}:{}:{}", usage.file.display(), usage.line, usage.column).into())
        .collect();
    let list = |names: &BTreeSet<String>| names.iter().cloned().map(toml::Value::from).collect::<Vec<_>>();
    let not_judged =
        found.not_judged.iter().map(|file| file.display().to_string().into()).collect::<Vec<toml::Value>>();
    let mut summary =
        format!("{} uses in {files} files, {procedures} procedures, {components} components", places.len());
    if !not_judged.is_empty() {
        summary = format!("{summary}; {} files not judged", not_judged.len());
    }
    Ok(Outcome::Passed(
        Evidence::new(summary)
            .proven("procedures", list(&found.procedures))
            .proven("components", list(&found.components))
            .proven("not_judged", not_judged)
            .info("places", places)
            .info("how", "by name and by the types that can be read from the source"),
    ))
}

/// Test files of the API package whose imports reach a file that uses what changes; relative to the root.
pub(super) fn affected_tests(world: &World<'_>, context: &StepContext<'_>) -> Result<Vec<String>> {
    let change = Change::of(context)?;
    let root = context.required("root")?;
    let graph = imports::build(&world.root)?;
    let found = uses(world, context, &world.root, &graph, &change, &[PathBuf::from(root)], &[])?;
    if !found.not_judged.is_empty() || !graph.unparsed.is_empty() {
        // With a hole in the graph nobody knows which tests are affected: the caller runs them all.
        return Ok(Vec::new());
    }
    let files: BTreeSet<PathBuf> = found.usages.into_iter().map(|usage| usage.file).collect();
    let files: Vec<PathBuf> = files.into_iter().map(|file| world.root.join(file)).collect();
    let endings = ["test.ts", "test.tsx", "spec.ts", "spec.tsx"];
    let globs: Vec<String> = endings.iter().map(|ending| format!("{root}/**/*.{ending}")).collect();
    let tests = imports::affected_tests(&graph, &files, &globs)?;
    tests
        .iter()
        .map(|test| {
            let relative = test.strip_prefix(&world.root).unwrap_or(test);
            Ok(relative.to_str().context("a test file's name is not UTF-8")?.to_owned())
        })
        .collect()
}
