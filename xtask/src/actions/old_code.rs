//! What the deployed code will meet: the base's tests on the migrated copy, and the invariant of a change set's part.

use anyhow::Result;

use super::suites::{base_tests_on, baseline, names, new_failures};
use super::world::World;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::state::Evidence;
use crate::workflow::Lane;

pub(super) fn old_code(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let targets = context.list("tests");
    let baseline = baseline(world, context, &targets)?;
    let database = world.clone_of_rehearsed(context)?;
    context.say("the base's tests on the migrated copy");
    let run = base_tests_on(world, context, &targets, &database.url)?;
    world.drop_database(context, &database)?;
    let results = run.proven()?;
    let broken = new_failures(results, &baseline);
    let ran = names(results).len();
    if context.lane() == Some(Lane::Breaking) {
        let expected: Vec<String> = context.proven("impact", "broken_tests")?;
        if expected != broken {
            let only =
                |a: &[String], b: &[String]| a.iter().filter(|name| !b.contains(name)).cloned().collect::<Vec<_>>();
            let mut details: Vec<String> =
                only(&broken, &expected).iter().map(|name| format!("breaks, and was not foreseen  {name}")).collect();
            details.extend(
                only(&expected, &broken).iter().map(|name| format!("was foreseen, and does not break  {name}")),
            );
            let values = ["procedures", "components"].map(|name| {
                let names: Vec<String> = context.proven("impact", name).unwrap_or_default();
                (name.to_owned(), names.len().to_string())
            });
            let evidence = Evidence::new("the old code breaks in another way than foreseen")
                .proven("broken_tests", broken.into_iter().map(toml::Value::from).collect::<Vec<_>>());
            return Ok(Outcome::Decide { values: values.into(), details, failure: None, evidence });
        }
    } else if !broken.is_empty() {
        return Err(Failure::step(format!("{} of {ran} tests of the old code fail after the migration", broken.len()))
            .detail(broken.join("\n"))
            .hint("code that is deployed meets the new schema first: mend the migration, then go on: cargo xtask db-change")
            .into());
    }
    let list = broken.iter().cloned().map(toml::Value::from).collect::<Vec<_>>();
    let summary = match broken.len() {
        0 => format!("{ran} tests of the old code pass on the new schema"),
        count => format!("{count} of {ran} tests of the old code fail, as foreseen"),
    };
    Ok(Outcome::Passed(Evidence::new(summary).proven("broken_tests", list).proven("ran", i64::try_from(ran)?)))
}

/// Parts of change sets come later; a run that is not one has nothing to hold.
pub(super) fn invariant(_world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    if !super::impact::is_breaking(context) {
        return Ok(Outcome::Skipped("not breaking".to_owned()));
    }
    match context.answer_of("impact").map(|answer| answer.option) {
        Some(2) => Ok(Outcome::Skipped("taken as a coordinated deployment".to_owned())),
        _ => Err(Failure::step("the invariants of a change set's parts are not built yet").into()),
    }
}
