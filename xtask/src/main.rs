//! Parse, run, show the error, exit code.

use std::process::ExitCode;

use clap::Parser;
use xtask::cli::Cli;
use xtask::failure::{Failure, Kind};
use xtask::{process, report, verbs};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { Kind::Usage.exit_code() } else { 0 });
        }
    };
    let result = process::interrupt::listen().map_err(anyhow::Error::from).and_then(|()| verbs::run(&cli));
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let failure = Failure::from_error(&error);
            report::terminal::print(&failure.render());
            ExitCode::from(failure.kind.exit_code())
        }
    }
}
