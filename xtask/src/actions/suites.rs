//! Running the repo's own test suites on copies, and comparing with what they did on the base.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::world::World;
use crate::code::junit::{self, Case, Results};
use crate::code::tests::{self, Suite, TestRun};
use crate::digest;
use crate::engine::{Host, Outcome, StepContext};
use crate::failure::Failure;
use crate::pg::{checksum, url};
use crate::process::Command;
use crate::state::{Evidence, Home, durable, seal};

/// One call of the test runner in a tree, on a database.
pub(super) fn suite_of(
    world: &World<'_>,
    context: &StepContext<'_>,
    root: PathBuf,
    targets: &[String],
    url: &str,
    log: &str,
) -> Result<Suite> {
    let url = url::exact(url)?;
    let mut mask = world.mask();
    mask.extend(&url.mask());
    Ok(Suite {
        bun: world.bun()?.path.clone(),
        runner: world.runner()?,
        root,
        targets: targets.to_vec(),
        env: world.only(&url)?,
        mask,
        log: Some(context.log_of(log)),
        timeout: context.timeout,
    })
}

/// The command that a step's `with` names, or the script that bun is to run; in the root of the repo.
pub(super) fn command(context: &StepContext<'_>) -> Result<Command> {
    let text = match context.with("script") {
        Some(script) => format!("bun run '{script}'"),
        None => context.required("command")?.to_owned(),
    };
    Command::parse(&text).map_err(|problem| {
        Failure::usage(format!("`command` of the step `{}` is not one: {problem}", context.id()))
            .hint("write the words as you type them: `with = { command = \"bun run seed\" }`")
            .into()
    })
}

/// Which tests failed on the base, kept once per base commit and set of targets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Baseline {
    pub ran: Vec<String>,
    pub failed: Vec<String>,
    /// Failed once and passed on retry.
    pub flaky: Vec<String>,
}

/// What the base's own tests do on the base's own database.
pub(super) fn baseline(world: &World<'_>, context: &StepContext<'_>, targets: &[String]) -> Result<Baseline> {
    let tree = world.base_tree(context)?;
    let key = digest::of(format!("{}\n{}", world.command_key(), targets.join("\n")));
    let cache = tree.with_extension(format!("tests-{}.toml", &key[..8]));
    // Known failures excuse new ones: a list that another hand wrote is not believed, and made anew.
    let home = Home::at(&world.root);
    let name = cache.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Ok(sealed) = fs::read_to_string(&cache)
        && let Ok(text) = seal::unseal(home.path(), &name, &sealed)
        && let Ok(known) = toml::from_str(text)
    {
        return Ok(known);
    }
    context.say("the base's tests on the base's database, once per base commit");
    let database = world.clone_of_base(context)?;
    // What fails now and then is no known failure: it would excuse a real one for ever.
    let (run, flaky) = tests::run_settled(&suite_of(world, context, tree, targets, &database.url, "baseline")?)?;
    world.drop_database(context, &database)?;
    let results = run.proven()?;
    let found = Baseline {
        ran: names(results),
        failed: results.failed().into_iter().collect(),
        flaky: flaky.into_iter().collect(),
    };
    let text = toml::to_string(&found).context("describing the base's tests")?;
    durable::write(&cache, seal::seal(home.path(), &name, &text)?.as_bytes())?;
    Ok(found)
}

/// The tests that ran; a skipped one did not.
pub(super) fn names(results: &Results) -> Vec<String> {
    let ran = |case: &&Case| case.outcome != junit::Outcome::Skipped && !case.is_hook();
    results.cases.iter().filter(ran).map(Case::key).collect()
}

/// What fails now and did not on the base.
pub(super) fn new_failures(results: &Results, baseline: &Baseline) -> Vec<String> {
    results.failed().into_iter().filter(|name| !baseline.failed.contains(name)).collect()
}

/// The base's tests on a database that the base's code doesn't know; what passes on retry counts as passed.
pub(super) fn base_tests_on(
    world: &World<'_>,
    context: &StepContext<'_>,
    targets: &[String],
    url: &str,
) -> Result<TestRun> {
    let tree = world.base_tree(context)?;
    Ok(tests::run_settled(&suite_of(world, context, tree, targets, url, "base-tests")?)?.0)
}

/// `db-tests` and `api-suite`: the whole suite on the migrated copy.
pub(super) fn suite(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let targets = context.list("targets");
    let base = baseline(world, context, &targets)?;
    judged(world, context, &targets, "", Some(&base))
}

/// `api-tests`: those that reach what changed; where none does, all.
pub(super) fn api_tests(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let affected = super::code_impact::affected_tests(world, context)?;
    if affected.is_empty() {
        return judged(
            world,
            context,
            &[context.required("suite")?.to_owned()],
            "no test file is affected: the whole suite, ",
            None,
        );
    }
    let targets: Vec<String> = affected.iter().map(|file| format!("./{file}")).collect();
    judged(world, context, &targets, &format!("{} affected files, ", targets.len()), None)
}

/// Runs tests on a migrated copy; only what passed on the base and fails now counts. With `base`, what no longer runs is told.
fn judged(
    world: &World<'_>,
    context: &StepContext<'_>,
    targets: &[String],
    chosen: &str,
    base: Option<&Baseline>,
) -> Result<Outcome> {
    let database = world.clone_of_rehearsed(context)?;
    context.say(&world.runner()?.shown(targets));
    let (run, flaky) =
        tests::run_settled(&suite_of(world, context, world.root.clone(), targets, &database.url, "tests")?)?;
    world.drop_database(context, &database)?;
    let results = run.proven()?;
    let failed = results.failed();
    let new = if failed.is_empty() { Vec::new() } else { new_failures(results, &baseline(world, context, targets)?) };
    if !new.is_empty() {
        let mut failure = Failure::step(format!("{} tests fail that passed on the base", new.len()));
        for name in new.iter().take(12) {
            let said = results.by_key().get(name).and_then(|case| case.fault()).map(|fault| fault.message.clone());
            failure = failure.detail(format!("{name}\n    {}", said.unwrap_or_default()));
        }
        return Err(failure.hint("mend the code, then go on: cargo xtask db-change").into());
    }
    let counts = results.counts();
    let mut summary = format!("{chosen}{} tests pass", counts.passed);
    if !failed.is_empty() {
        summary = format!("{summary}, {} failed on the base already", failed.len());
    }
    if !flaky.is_empty() {
        summary = format!("{summary}, flaky: {}", flaky.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    let ran = names(results);
    let gone: Vec<String> =
        base.iter().flat_map(|base| &base.ran).filter(|name| !ran.contains(name)).cloned().collect();
    if !gone.is_empty() {
        summary = format!("{summary}; {} of the base's no longer run", gone.len());
    }
    let list = |names: Vec<String>| names.into_iter().map(toml::Value::from).collect::<Vec<_>>();
    let flaky_on_base = base.map(|base| base.flaky.clone()).unwrap_or_default();
    Ok(Outcome::Passed(
        Evidence::new(summary)
            .info("flaky_on_base", list(flaky_on_base))
            .info("no_longer_run", list(gone))
            .proven("passed", i64::try_from(counts.passed)?)
            .proven("targets", list(targets.to_vec()))
            .info("failed_on_base_too", list(failed.into_iter().collect()))
            .info("flaky", list(flaky.into_iter().collect()))
            .info("seconds", run.seconds),
    ))
}

/// `seed`: the repo's own script fills an empty database that has all migrations.
pub(super) fn seed(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let database = world.empty(context)?;
    let project = world.work(&context.log_of("migrate"))?;
    world.migrate(context, project.clone(), &database.name)?;
    let seed = command(context)?;
    let shown = seed.shown();
    context.say(&shown);
    let project = world.on(project, &url::exact(&database.url)?)?;
    let mut run = project.command(&seed, &world.root)?.timeout(context.timeout);
    run.log = Some(context.log.clone());
    let output = run.run()?;
    if !output.success() {
        return Err(Failure::step(format!("`{shown}` failed with exit code {}", output.code()))
            .detail(output.tail(10))
            .hint("its whole output: cargo xtask db-change logs seed")
            .into());
    }
    let sums = checksum::take(&mut world.connect(context, &database.name)?, &[world.migrations_table()?])?;
    let (rows, filled) = (sums.rows(), sums.tables.values().filter(|table| table.rows > 0).count());
    if rows == 0 {
        return Err(Failure::step(format!("`{shown}` succeeded and left no row")).into());
    }
    world.drop_database(context, &database)?;
    Ok(Outcome::Passed(
        Evidence::new(format!("{rows} rows in {filled} of {} tables", sums.tables.len()))
            .proven("rows", rows)
            .info("seconds", output.duration.as_secs_f64()),
    ))
}
