//! `typecheck`: the repo's own script, compared with the base's result: only new errors count.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::suites::command;
use super::world::World;
use crate::code::typecheck::{self, TypeError};
use crate::engine::{Host, Outcome, StepContext};
use crate::failure::Failure;
use crate::process::{Command, Output};
use crate::report::terminal::{WIDTH, cut};
use crate::state::{Evidence, durable};

pub(super) fn typecheck(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let command = command(context)?;
    let output = run(world, context, &world.root, &command)?;
    let now = parsed(&output, &world.root)?;
    if output.success() && now.is_empty() {
        return Ok(Outcome::Passed(
            Evidence::new("no type error").proven("new_errors", 0).info("seconds", output.duration.as_secs_f64()),
        ));
    }
    if now.is_empty() {
        return Err(Failure::step(format!(
            "`{}` failed with exit code {} and no type error",
            command.shown(),
            output.code()
        ))
        .detail(output.tail(8))
        .hint("it must check the types of all packages, for instance with `tsc --noEmit`")
        .into());
    }
    let base = base_errors(world, context, &command)?;
    let new = typecheck::new_errors(&base, &now);
    if new.is_empty() {
        return Ok(Outcome::Passed(
            Evidence::new(format!("no new type error, {} on the base already", now.len())).proven("new_errors", 0),
        ));
    }
    let by_file = typecheck::by_file(&new);
    let details = new.iter().take(30).map(line).collect::<Vec<_>>();
    let left = new.len().saturating_sub(details.len());
    let mut failure =
        Failure::step(format!("{} new type errors in {} files", new.len(), by_file.len())).detail(details.join("\n"));
    if left > 0 {
        failure = failure.detail(format!("and {left} more"));
    }
    let files = by_file.keys().map(|file| file.display().to_string()).collect::<Vec<_>>();
    Ok(Outcome::Decide {
        values: vec![("files".to_owned(), by_file.len().to_string())],
        details: Vec::new(),
        failure: Some(failure),
        evidence: Evidence::new(format!("{} new type errors", new.len()))
            .proven("files", files.into_iter().map(Into::into).collect::<Vec<toml::Value>>()),
    })
}

/// The place first, so that it can be clicked; then as much of the text as a line of a terminal holds.
fn line(error: &TypeError) -> String {
    let place = format!("{}:{}:{}", error.file.display(), error.line, error.column);
    // An error's details stand two columns in.
    let room = WIDTH.saturating_sub(place.chars().count() + error.code.len() + 5).max(12);
    format!("{place}  {} {}", error.code, cut(&error.message, room))
}

fn run(world: &World<'_>, context: &StepContext<'_>, tree: &Path, command: &Command) -> Result<Output> {
    context.say(&command.shown());
    let mut project = world.work(&context.log)?;
    project.root = tree.to_owned();
    project.require(command, tree)?;
    let mut run = project.command(command, tree)?.timeout(context.timeout);
    run.mask = world.mask();
    run.log = Some(context.log.clone());
    run.run()
}

/// The base's errors, once per base commit.
fn base_errors(world: &World<'_>, context: &StepContext<'_>, command: &Command) -> Result<Vec<TypeError>> {
    let tree = world.base_tree(context)?;
    let cache = tree.with_extension("types.json");
    if let Some(known) = fs::read_to_string(&cache).ok().and_then(|text| serde_json::from_str(&text).ok()) {
        return Ok(known);
    }
    context.say("type-checking the base, once per base commit");
    let output = run(world, context, &tree, command)?;
    let found = parsed(&output, &tree)?;
    durable::write(&cache, serde_json::to_string(&found).context("describing the base's type errors")?.as_bytes())?;
    Ok(found)
}

/// The errors in what the script printed, with paths from the tree's root.
fn parsed(output: &Output, tree: &Path) -> Result<Vec<TypeError>> {
    let mut packages: Vec<PathBuf> = Vec::new();
    for depth in ["*", "*/*", "*/*/*"] {
        let found = glob::glob(&format!("{}/{depth}/package.json", glob::Pattern::escape(&tree.to_string_lossy())))
            .context("looking for packages")?
            .filter_map(|path| Some(path.ok()?.parent()?.strip_prefix(tree).ok()?.to_owned()));
        packages.extend(found.filter(|path| !path.iter().any(|part| part == "node_modules")));
    }
    typecheck::parse(&format!("{}\n{}", output.stdout, output.stderr), tree, &packages)
}
