//! Takes a Drizzle schema change from idea to applied, in an order that cannot be skipped, and proves each step.
//!
//! # The path of a run
//!
//! [`run`] parses ([`cli`]) and calls a verb ([`verbs`]). `db-change` finds the repo and its branch's run, loads the workflow
//! file ([`workflow`]), takes the lock and hands both to the [`engine`]. For each step in order the engine asks: satisfied
//! and fresh? preconditions? gate? Only then it runs, as a command of the repo's own or as one of the [`actions`], and what
//! was proven is written durably ([`state`]) before the next begins. [`report`] shows events and never decides anything.
//!
//! # Modules
//!
//! | module | knows | does not know |
//! | --- | --- | --- |
//! | [`workflow`] | the file, its errors with their place | how a step is run |
//! | [`state`] | what is remembered, how it is written, the lock | what it means |
//! | [`engine`] | order, freshness, gates, resumption; the world only as a `Host` | databases, Drizzle, TypeScript |
//! | [`actions`] | what each built-in step does; composes the modules below | scheduling |
//! | [`pg`] | servers, sessions, fingerprints, checksums, dumps, timings | Drizzle, steps |
//! | [`sql`] | operations, statements, findings, the SQL that we write | servers, steps |
//! | [`drizzle`] | journal, snapshots, drizzle-kit and what it really did, rollbacks | steps |
//! | [`code`] | TypeScript: tests, usages, types, comments | databases, steps |
//! | [`repo`] | git, signatures, the adoption of a repo (`repo/init`) | steps |
//! | [`process`] | children, tools, places on disk, the environment | all of the above |
//!
//! # Invariants
//!
//! - A real database is written to by `apply` alone, on a development target, after the rehearsal of the same content.
//! - A check that did not run, saw nothing or could not decide is a failure or "not judged", never a pass.
//! - Row values leave no trace: evidence, logs and errors hold counts, names and SQLSTATE.
//! - drizzle-kit's exit codes are not believed; files and the migrations table are.
//! - What a run remembers is sealed ([`state::seal`]); a word that opens a gate is bound to its run, its workflow and what it
//!   is said about ([`engine::person`]); what passed is looked at again before anything stands on it (`engine/edits`).
//! - Nothing outside our own folders is removed, and nothing in them that a name from a file could lead out of.
//!
//! # Adding
//!
//! An action: a function in `actions/`, its row in [`actions::ACTIONS`], a step in `workflows/db-change.toml`, a test. A kind
//! of change: a variant of [`sql::Operation`], its arms in `sql/{nature,intent,render,flags}`,
//! `drizzle/{diff,inverse,prompt,hints}`, `code/scaffold_kinds`, `verbs/questions`, and a row in `tests/it/kinds.rs`.
//! A hazard of the review: a file in `review/hazards` with its line in the list there, with a test that it fires and one that it does not.

pub mod actions;
pub mod cli;
pub mod code;
pub mod digest;
pub mod drizzle;
pub mod engine;
pub mod failure;
pub mod numbers;
pub mod pg;
pub mod process;
pub mod repo;
pub mod report;
pub mod review;
pub mod sql;
pub mod state;
pub mod verbs;
pub mod workflow;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

/// A review of ten thousand statements takes a sixth less CPU time with it than with glibc's malloc. Without huge pages: a short command
/// would have to clear some.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What `cargo xtask` is, here and in the thin crate of a repo: parse, run, show the error, exit code.
#[must_use]
pub fn run() -> ExitCode {
    let code = outcome();
    // Scopes are left and files closed. What else happens at an end is the allocator giving back page by page what the kernel takes whole.
    if std::io::stdout().flush().is_ok() {
        signal_hook::low_level::exit(i32::from(code));
    }
    ExitCode::from(code)
}

fn outcome() -> u8 {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { failure::Kind::Usage.exit_code() } else { 0 };
        }
    };
    let result = process::interrupt::listen().map_err(anyhow::Error::from).and_then(|()| verbs::run(&cli));
    result.unwrap_or_else(|error| {
        let failure = failure::Failure::from_error(&error);
        report::terminal::print(&failure.render());
        failure.kind.exit_code()
    })
}
