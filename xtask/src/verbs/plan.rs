//! `plan`: what would run, be skipped or wait, and why, with every command. Runs and writes nothing.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::open::{self, Repo};
use super::place;
use crate::actions::world::World;
use crate::engine::plan::{self, Plan, Verdict};
use crate::report::terminal::{WIDTH, data, wrapped};

pub(super) fn plan(repo: &Repo, as_json: bool) -> Result<u8> {
    let (folder, state) = repo.last_run()?;
    let loaded = open::pinned(&repo.root, &folder, &state)?;
    let place = place::of(repo, &state)?;
    let world = World::new(&place.root, &loaded, folder, &state.base).of_repo(&repo.root);
    let plan = plan::of(&loaded, &state, &place.root, &world)?;
    if as_json {
        data(&format!("{}\n", serde_json::to_string(&plan).context("describing the plan")?));
    } else {
        data(&page(&plan));
    }
    Ok(0)
}

fn page(plan: &Plan) -> String {
    let mut out = String::new();
    let mut phase = "";
    for step in &plan.steps {
        if step.phase != phase {
            phase = &step.phase;
            let _ = writeln!(out, "{phase}");
        }
        let word = match step.verdict {
            Verdict::Run => "run",
            Verdict::Skip => "skip",
            Verdict::Wait => "wait",
        };
        let left = format!("  {word:<4}  {:<20}  ", step.id);
        let reasons: Vec<String> = step
            .reasons
            .iter()
            .map(|reason| match reason.kind {
                "never_ran" | "behind" | "not_needed" => reason.detail.clone(),
                kind => format!("{}: {}", kind.replace('_', " "), reason.detail),
            })
            .collect();
        let indent = " ".repeat(left.chars().count());
        let text = wrapped(&reasons.join("; "), WIDTH, &indent);
        let _ = write!(out, "{left}{}", text.trim_start());
        if text.trim().is_empty() {
            out.push('\n');
        }
        let commands = step.commands.iter().map(|command| ("$", command));
        for (mark, text) in commands.chain(step.asks.iter().map(|ask| ("?", ask))) {
            let _ = write!(out, "{indent}{mark} {}", wrapped(text, WIDTH, &format!("{indent}  ")).trim_start());
        }
    }
    let count = |verdict| plan.steps.iter().filter(|step| step.verdict == verdict).count();
    let _ = writeln!(
        out,
        "\n{} to run, {} to wait, {} to skip; nothing was run\n$ runs, ? is asked first: another answer than before makes the step stale",
        count(Verdict::Run),
        count(Verdict::Wait),
        count(Verdict::Skip)
    );
    out
}
