//! The change's own test: written from the declared operations, red on the base, green on the migrated copy.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::change::Change;
use super::code_impact;
use super::world::World;
use crate::code::{claims, red_green, scaffold, tests};
use crate::digest;
use crate::engine::{Host, Outcome, StepContext};
use crate::failure::Failure;
use crate::repo::git;
use crate::state::{Evidence, durable};
use crate::workflow::Lane;

/// Writes the test, or checks the one that is there, and lets the person have it.
pub(super) fn scaffold(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let folder = context.required("folder")?;
    let own = format!("{folder}/{}.test.ts", change.slug());
    let name = match world.root.join(&own).exists() {
        true => own,
        false => brought(world, context, &change, folder)?.unwrap_or(own),
    };
    let path = world.root.join(&name);
    let fresh = !path.exists();
    if fresh {
        let source = code_impact::source(world, &world.base_tree(context)?)?;
        let modules = scaffold::Imports {
            db: context.required("database_module")?.to_owned(),
            name: context.with("database_name").unwrap_or("db").to_owned(),
            schema: context.required("schema_module")?.to_owned(),
            runner: context.with("test_module").unwrap_or(scaffold::BUN).to_owned(),
        };
        let text = scaffold::scaffold(&change.title, &change.operations, &change.tables, &source, &modules)?;
        if let Some(folder) = path.parent() {
            durable::create_folder(folder)?;
        }
        durable::write(&path, text.as_bytes())?;
    }
    let text = fs::read_to_string(&path).with_context(|| format!("reading `{name}`"))?;
    let claims = claims::claims(&path, &text, &change.operations)?;
    let misuse = claims::lint(&path, &text)?;
    if let Some(first) = misuse.first() {
        return Err(Failure::step(format!(
            "`{name}` cannot prove what it says: line {}: {}",
            first.line, first.message
        ))
        .hint("write `.execute()` behind a query that is given to `expect(…).rejects`")
        .into());
    }
    let open = claims::unwritten(&path, &text)?;
    if !open.is_empty() {
        return Ok(Outcome::Edit {
            message: format!("This change needs a test that only you can write: {name}"),
            details: open.iter().map(|line| format!("{name}:{line}   not written yet")).collect(),
            evidence: Evidence::default().proven("file", name.clone()).proven("test", digest::of(&text)),
        });
    }
    let count = claims.claims.len();
    let evidence = Evidence::new(format!("{name}: {count} claim{}", if count == 1 { "" } else { "s" }))
        .proven("file", name.clone())
        .proven("test", digest::of(&text));
    if fresh && context.lane() != Some(Lane::Additive) {
        return Ok(Outcome::Edit {
            message: format!("The test is yours now: look at it, make it say what this change is for.\n{name}"),
            details: claims.claims.iter().map(|claim| format!("claims: {claim}")).collect(),
            evidence,
        });
    }
    Ok(Outcome::Passed(evidence))
}

/// A test file that came with an adopted change: new since the base, with a claim for each operation. SQL of one's own may be
/// claimed in any words, so that there it has to be the only new one.
fn brought(world: &World<'_>, context: &StepContext<'_>, change: &Change, folder: &str) -> Result<Option<String>> {
    if !change.is_inferred() {
        return Ok(None);
    }
    let base = world.base_tree(context)?;
    let mut new = git::changed_files(&world.root, &world.base)?;
    new.retain(|name| name.starts_with(&format!("{folder}/")) && name.ends_with(".test.ts"));
    new.retain(|name| !base.join(name).exists() && world.root.join(name).exists());
    new.sort();
    let claimed = |name: &String| {
        let path = world.root.join(name);
        fs::read_to_string(&path).is_ok_and(|text| claims::claims(&path, &text, &change.operations).is_ok())
    };
    new.retain(claimed);
    if new.len() > 1 && change.operations.iter().any(super::generate::is_custom) {
        return Ok(None);
    }
    Ok(new.into_iter().next())
}

/// The test file of this run, relative to the root.
fn file(context: &StepContext<'_>) -> Result<String> {
    context.proven("schema-test-scaffold", "file")
}

pub(super) fn red(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let name = file(context)?;
    let text = fs::read(world.root.join(&name)).with_context(|| format!("reading `{name}`"))?;
    let tree = world.base_tree(context)?;
    let copy = tree.join(&name);
    let database = world.clone_of_base(context)?;
    let guest = Guest::place(&copy, &text)?;
    let run = tests::run(&suite(world, context, tree, &name, &database.url)?);
    drop(guest);
    let run = run?;
    let red = red_green::judge_red(&run, &name)?;
    world.drop_database(context, &database)?;
    let summary = format!(
        "{} claim{} fail{} on the base as they must",
        red.claims.len(),
        if red.claims.len() == 1 { "" } else { "s" },
        if red.claims.len() == 1 { "s" } else { "" }
    );
    let list = |names: &[String]| names.iter().cloned().map(toml::Value::from).collect::<Vec<_>>();
    Ok(Outcome::Passed(
        Evidence::new(summary)
            .proven("claims", list(&red.claims))
            .proven("controls", list(&red.controls))
            .proven("test", digest::of(&text))
            .info("command", run.command.clone())
            .info("seconds", run.seconds),
    ))
}

pub(super) fn green(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let name = file(context)?;
    let text = fs::read(world.root.join(&name)).with_context(|| format!("reading `{name}`"))?;
    let shown: String = context.proven("schema-test-red", "test")?;
    if digest::of(&text) != shown {
        return Err(Failure::step(format!("`{name}` is not the test that was red on the base"))
            .hint("run `cargo xtask db-change` again: it shows the edited file red first")
            .into());
    }
    let red = red_green::Red {
        claims: context.proven("schema-test-red", "claims")?,
        controls: context.proven("schema-test-red", "controls")?,
    };
    let database = world.clone_of_rehearsed(context)?;
    let run = tests::run(&suite(world, context, world.root.clone(), &name, &database.url)?)?;
    let green = red_green::judge_green(&run, &red, &name)?;
    world.drop_database(context, &database)?;
    Ok(Outcome::Passed(
        Evidence::new(format!("the same {} tests pass", green.passed))
            .proven("passed", i64::try_from(green.passed)?)
            .info("seconds", run.seconds),
    ))
}

fn suite(world: &World<'_>, context: &StepContext<'_>, root: PathBuf, name: &str, url: &str) -> Result<tests::Suite> {
    super::suites::suite_of(world, context, root, &[format!("./{name}")], url, "test")
}

/// A file of ours in the base's tree, gone again at the end.
struct Guest(PathBuf);

impl Guest {
    fn place(path: &std::path::Path, text: &[u8]) -> Result<Guest> {
        if let Some(folder) = path.parent() {
            durable::create_folder(folder)?;
        }
        durable::write(path, text)?;
        Ok(Guest(path.to_owned()))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // The tree is ours and thrown away with its commit; a file left here is overwritten by the next run.
        let _ = fs::remove_file(&self.0);
    }
}
