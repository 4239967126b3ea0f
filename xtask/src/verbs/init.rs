//! `init`: what an existing repo has, what is written there, and what a person has to allow.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::Path;

use anyhow::{Context, Result};

use super::open::here;
use crate::cli::Init;
use crate::failure::{Failure, Kind};
use crate::repo::git;
use crate::repo::init::{self, Addition, Does, Report, Source, Step};
use crate::report::terminal::{WIDTH, page, print, wrapped};

pub(super) fn init(arguments: &Init) -> Result<u8> {
    let dir = here()?.join(&arguments.dir);
    let root = dir.canonicalize().map_err(|error| {
        Failure::usage(format!("cannot read `{}`: {error}", arguments.dir.display()))
            .hint("give the top of the repo: cargo xtask init DIR")
    })?;
    let top = git::root(&root)?;
    if top.canonicalize().ok().as_ref() != Some(&root) {
        return Err(Failure::usage(format!("`{}` is not the top of its repository", root.display()))
            .hint(format!("runs belong to a branch of all of it: cargo xtask init {}", top.display()))
            .into());
    }
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).to_string_lossy();
    let source = Source::parse(arguments.source.as_deref().unwrap_or(&ours))?;
    let config = arguments.config.as_ref().map(|path| root.join(path));
    let found = init::look(&root, config.as_deref())?;
    let steps = init::steps(&found, &source)?;
    page(&told(&found.report));
    page(&format!("\nfiles\n{}", listed(&steps)));
    if arguments.dry_run {
        page(&whole(&steps));
        print("\ndry run: nothing was written\n");
        return Ok(0);
    }
    if steps.iter().all(Step::is_done) {
        print("\nnothing to do: everything is there\n");
        return Ok(0);
    }
    let mut open = Vec::new();
    for step in &steps {
        match &step.does {
            Does::Create(_) => step.apply(&root)?,
            Does::Add(addition) if arguments.merge || allowed(step, addition)? => step.apply(&root)?,
            Does::Add(_) | Does::Conflict { .. } => open.push(step),
            Does::Nothing => {}
        }
    }
    if !open.is_empty() {
        print(&format!("\n{}", waiting(&open)));
        return Ok(Kind::Waiting.exit_code());
    }
    print(&next(&source));
    Ok(0)
}

/// What was found and what was not, in two columns.
fn told(report: &Report) -> String {
    let mut out = String::new();
    for (title, rows) in [("found", &report.found), ("not found, or to know", &report.missing)] {
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(out, "{}{title}", if out.is_empty() { "" } else { "\n" });
        let wide = rows.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
        for (what, value) in rows {
            out.push_str(&row(what, wide, value));
        }
    }
    out
}

fn row(what: &str, wide: usize, value: &str) -> String {
    let indent = " ".repeat(wide + 4);
    let text = wrapped(value, WIDTH, &indent);
    format!("  {what:wide$}  {}\n", text.trim())
}

fn listed(steps: &[Step]) -> String {
    let word = |step: &Step| match &step.does {
        Does::Create(_) => "new",
        Does::Add(_) => "add to",
        Does::Conflict { .. } => "in the way",
        Does::Nothing => "there",
    };
    steps.iter().map(|step| format!("  {:10}  {}\n", word(step), step.name)).collect()
}

/// Every file with its text, for a dry run.
fn whole(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        let (what, text) = match &step.does {
            Does::Create(text) => ("new", text.as_str()),
            Does::Add(addition) => (addition.place.as_str(), addition.text.as_str()),
            Does::Conflict { why, text } => (why.as_str(), text.as_str()),
            Does::Nothing => continue,
        };
        let _ = writeln!(out, "\n--- {} ({what})\n{}", step.name, text.trim_end());
    }
    out
}

/// Without a terminal nothing that exists is changed.
fn allowed(step: &Step, addition: &Addition) -> Result<bool> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Ok(false);
    }
    print(&format!("\n`{}` is there already. To add {}:\n{}\n", step.name, addition.place, indented(&addition.text)));
    let question = inquire::Confirm::new("Add it?").with_default(true);
    question.prompt().context("asking about a file that exists")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn waiting(open: &[&Step]) -> String {
    let mut out = String::from("waiting: these files are yours, and were left as they are\n");
    for step in open {
        match &step.does {
            Does::Add(addition) => {
                let _ = writeln!(out, "  {}, {}:\n{}", step.name, addition.place, indented(&addition.text));
            }
            Does::Conflict { why, text } => {
                let _ = writeln!(out, "  {}: {why}\n{}", step.name, indented(text));
            }
            Does::Create(_) | Does::Nothing => {}
        }
    }
    let _ = writeln!(out, "next  add these lines and run the same command again, or let it add them: --merge");
    out
}

fn next(source: &Source) -> String {
    let mut out = String::from("\nnext\n  read workflows/db-change.toml, and commit what is new\n");
    if matches!(source, Source::Path(_)) {
        out.push_str("  the crate finds this library by its path here; for other machines:\n    cargo xtask init DIR --source URL#REVISION\n");
    }
    out.push_str("  edit the schema, then: cargo xtask db-change\n");
    out
}
