//! One file per verb. Each returns the exit code; errors carry their own.

mod adopt;
mod answer;
mod answers_file;
mod bench;
mod change;
mod completions;
mod demo;
mod doctor;
mod init;
mod inventory;
mod left_over;
mod logs;
mod only;
mod open;
mod place;
mod plan;
mod questions;
mod review;
mod show;
mod test;
mod values;
mod workflow;

use anyhow::Result;

use crate::cli::{ChangeVerb, Cli, DbChange, Verb};
use crate::failure::Failure;

pub fn run(cli: &Cli) -> Result<u8> {
    match &cli.verb {
        Verb::DbChange(arguments) => db_change(arguments),
        Verb::Run { name, go } => change::run_workflow(name, go),
        Verb::Workflow { verb } => workflow::run(verb),
        Verb::Review(asked) => review::review(asked),
        Verb::Init(init) => init::init(init),
        Verb::Doctor => doctor::doctor(),
        Verb::Demo(demo) => demo::demo(demo),
        Verb::Test { full } => test::test(*full),
        Verb::Completions { shell } => completions::completions(*shell),
        Verb::Bench { name } => bench::bench(name.as_deref()),
        Verb::NotBuilt { .. } => {
            Err(Failure::usage("this verb is not built yet").hint("what there is: cargo xtask help").into())
        }
    }
}

fn db_change(arguments: &DbChange) -> Result<u8> {
    let repo = || open::repo(&arguments.workflow);
    match &arguments.verb {
        None => change::run_workflow(&arguments.workflow, &arguments.go),
        Some(ChangeVerb::Start(start)) => change::start(start, &arguments.workflow),
        Some(ChangeVerb::Adopt { tag, go }) => adopt::adopt(tag.as_deref(), go, &arguments.workflow),
        Some(ChangeVerb::Status(shown)) => show::status(&repo()?, shown.json),
        Some(ChangeVerb::Plan(shown)) => plan::plan(&repo()?, shown.json),
        Some(ChangeVerb::Why { step, shown }) => show::why(&repo()?, step, shown.json),
        Some(ChangeVerb::Logs(asked)) => logs::logs(&repo()?, asked),
        Some(ChangeVerb::Runs(shown)) => show::runs(&repo()?, shown.json),
        Some(ChangeVerb::Inventory(asked)) => inventory::inventory(asked, &arguments.workflow),
        Some(ChangeVerb::Report { format }) => show::report(&repo()?, *format),
        Some(ChangeVerb::Answer { step, option, reason, signing }) => {
            answer::answer(&repo()?, step, *option, reason, signing)
        }
        Some(ChangeVerb::Attest { step, by, note, signing }) => answer::attest(&repo()?, step, by, note, signing),
        Some(ChangeVerb::Accept { findings, reason, signing }) => answer::accept(&repo()?, findings, reason, signing),
        Some(ChangeVerb::Abort { reason }) => answer::abort(&repo()?, reason),
    }
}
