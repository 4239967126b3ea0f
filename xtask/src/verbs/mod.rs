//! One file per verb. Each returns the exit code; errors carry their own.

mod answer;
mod bench;
mod change;
mod demo;
mod doctor;
mod open;
mod plan;
mod show;
mod test;
mod workflow;

use anyhow::Result;

use crate::cli::{ChangeVerb, Cli, Verb};
use crate::failure::Failure;

pub fn run(cli: &Cli) -> Result<u8> {
    match &cli.verb {
        Verb::DbChange(arguments) => match &arguments.verb {
            None => change::go_on(&arguments.go),
            Some(ChangeVerb::Start(start)) => change::start(start),
            Some(ChangeVerb::Status(shown)) => show::status(shown.json),
            Some(ChangeVerb::Plan(shown)) => plan::plan(shown.json),
            Some(ChangeVerb::Why { step, shown }) => show::why(step, shown.json),
            Some(ChangeVerb::Logs { step }) => show::logs(step),
            Some(ChangeVerb::Runs(shown)) => show::runs(shown.json),
            Some(ChangeVerb::Inventory(shown)) => show::inventory(shown.json),
            Some(ChangeVerb::Report { format }) => show::report(*format),
            Some(ChangeVerb::Answer { step, option, reason }) => answer::answer(step, *option, reason),
            Some(ChangeVerb::Attest { step, by, note }) => answer::attest(step, by, note),
            Some(ChangeVerb::Accept { findings, reason }) => answer::accept(findings, reason),
            Some(ChangeVerb::Abort { reason }) => answer::abort(reason),
        },
        Verb::Run { name, go } => change::run_workflow(name, go),
        Verb::Workflow { verb } => workflow::run(verb),
        Verb::Doctor => doctor::doctor(),
        Verb::Demo(demo) => demo::demo(demo),
        Verb::Test { full } => test::test(*full),
        Verb::Bench { name } => bench::bench(name.as_deref()),
        Verb::NotBuilt { .. } => {
            Err(Failure::usage("this verb is not built yet").hint("what there is: cargo xtask help").into())
        }
    }
}
