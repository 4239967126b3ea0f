//! What would happen if the run went on now: each step with its verdict, its reasons and every command, and nothing is run.
//!
//! Nothing is asked either, neither a tool nor a database: where the answer could make a passed step stale, the question is
//! named. What stands behind a step that has yet to run cannot be known before, and says so.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::difference;
use super::files::Seen;
use super::key::{self, Ask, Key, Parts};
use super::runner::not_needed;
use super::{Host, view};
use crate::process::{Mask, Run};
use crate::state::contents::Contents;
use crate::state::{State, Status, StepState};
use crate::workflow::load::expand;
use crate::workflow::{Loaded, Step, Tree, condition};

/// `db-change plan --json`.
#[derive(Debug, Serialize)]
pub struct Plan {
    pub schema: &'static str,
    pub run: String,
    pub steps: Vec<Planned>,
}

#[derive(Debug, Serialize)]
pub struct Planned {
    pub id: String,
    pub phase: String,
    pub verdict: Verdict,
    pub reasons: Vec<Reason>,
    /// What its work runs, in order; `(…)` says where.
    pub commands: Vec<String>,
    /// What is asked before that, to see whether it is still fresh and may start.
    pub asks: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Its work is done when its turn comes.
    Run,
    /// Satisfied, or nothing to do in this run.
    Skip,
    /// For a person, or for what an earlier step will prove.
    Wait,
}

#[derive(Debug, Serialize)]
pub struct Reason {
    /// `never_ran`, `stale`, `failed`, `interrupted`, `fresh`, `not_needed`, `answered`, `edit`, `decision`, `attestation`,
    /// `behind`, `not_judged`, `no_input`.
    pub kind: &'static str,
    pub detail: String,
}

pub fn of(loaded: &Loaded, state: &State, root: &Path, host: &dyn Host) -> Result<Plan> {
    let mut planned: Vec<Planned> = Vec::new();
    let (mut seen, mask) = (Seen::default(), host.mask());
    for step in loaded.in_order() {
        let (verdict, mut reasons) = judge(step, loaded, state, root, host, &planned, &mut seen)?;
        let quiet = verdict == Verdict::Skip && reasons.iter().any(|reason| reason.kind == "not_needed");
        if !quiet
            && step.tree == Tree::Work
            && let Ok(inputs) = seen.digests(&step.inputs, root, host)
        {
            let no_file = |pattern| Reason { kind: "no_input", detail: format!("`{pattern}` matches no file") };
            reasons.extend(inputs.unmatched.iter().map(no_file));
        }
        let phase = loaded.steps().find(|(_, other)| other.id == step.id).map(|(phase, _)| phase.id.get_ref().clone());
        planned.push(Planned {
            id: step.id.get_ref().clone(),
            phase: phase.unwrap_or_default(),
            verdict,
            reasons,
            commands: if verdict == Verdict::Skip { Vec::new() } else { commands(step, loaded, state, host, &mask) },
            asks: if quiet { Vec::new() } else { asks(step, state) },
        });
    }
    let order = |planned: &Planned| loaded.steps().position(|(_, step)| *step.id.get_ref() == planned.id);
    planned.sort_by_key(order);
    Ok(Plan { schema: "1.0", run: state.run.clone(), steps: planned })
}

fn judge(
    step: &Step,
    loaded: &Loaded,
    state: &State,
    root: &Path,
    host: &dyn Host,
    before: &[Planned],
    seen: &mut Seen,
) -> Result<(Verdict, Vec<Reason>)> {
    let id = step.id.get_ref();
    let reason = |kind, detail: String| Reason { kind, detail };
    // Steps that it stands on and of which the outcome is still open.
    let open: Vec<&Planned> = step
        .needs
        .iter()
        .filter_map(|need| before.iter().find(|planned| planned.id == *need.get_ref()))
        .filter(|planned| planned.verdict != Verdict::Skip)
        .collect();
    let behind = || {
        let names: Vec<String> = open.iter().map(|planned| format!("`{}`", planned.id)).collect();
        (!names.is_empty()).then(|| reason("behind", format!("{} first", names.join(", "))))
    };
    let undecided = step.when.as_ref().and_then(|when| condition::parse(when.get_ref())).is_some_and(|condition| {
        let of = condition.name.split('.').next().unwrap_or_default();
        before.iter().any(|planned| planned.id == of && planned.verdict != Verdict::Skip)
    });
    if !undecided && let Some(why) = not_needed(step, state) {
        return Ok((Verdict::Skip, vec![reason("not_needed", why)]));
    }
    if undecided {
        let when = step.when.as_ref().map(|when| when.get_ref().clone()).unwrap_or_default();
        let why = reason("behind", format!("`{when}` is not known before"));
        return Ok((Verdict::Wait, std::iter::once(why).chain(behind()).collect()));
    }
    let present = state.step.get(id).cloned().unwrap_or_default();
    let parts = match key::of(step, loaded, state, root, host, Ask::Nothing, seen) {
        Ok(parts) => parts,
        Err(error) => return Ok((Verdict::Wait, vec![reason("not_judged", host.mask().apply(&error.to_string()))])),
    };
    let changes = changes(&present, &parts, root);
    let (verdict, mut reasons) = match present.status {
        Status::Passed | Status::Skipped if changes.is_empty() => match behind() {
            Some(behind) => {
                (Verdict::Wait, vec![reason("fresh", "if those prove the same as before".to_owned()), behind])
            }
            None => return Ok((Verdict::Skip, vec![reason("fresh", present.summary)])),
        },
        status if status.is_waiting() && changes.is_empty() => {
            let next = view::at(loaded, state, id);
            match next.kind {
                "run" => (Verdict::Run, vec![reason("answered", present.summary)]),
                kind => (Verdict::Wait, vec![reason(kind, next.question.unwrap_or_default())]),
            }
        }
        Status::Passed
        | Status::Skipped
        | Status::WaitingEdit
        | Status::WaitingDecision
        | Status::WaitingAttestation => {
            (Verdict::Run, changes.into_iter().map(|change| reason("stale", change)).collect())
        }
        Status::Stale => (Verdict::Run, vec![reason("stale", present.reason.unwrap_or_default())]),
        Status::Failed => (Verdict::Run, vec![reason("failed", present.reason.unwrap_or_default())]),
        Status::Running | Status::Interrupted => {
            (Verdict::Run, vec![reason("interrupted", present.reason.unwrap_or_default())])
        }
        Status::Pending => (Verdict::Run, vec![reason("never_ran", "it has not run yet".to_owned())]),
    };
    if verdict == Verdict::Run {
        reasons.extend(behind());
    }
    Ok((verdict, reasons))
}

/// What differs of the parts that can be seen without asking.
fn changes(present: &StepState, parts: &Parts, root: &Path) -> Vec<String> {
    let seen = |key: &Key| -> Key {
        key.iter().filter(|(part, _)| !key::is_asked(part)).map(|(part, value)| (part.clone(), value.clone())).collect()
    };
    let kept = Contents::at(&root.join(".db-change"));
    // A step that the lane had left out has no key, and one that is needed now has everything to do.
    difference::between(&seen(&present.key), parts, &kept).iter().map(difference::Change::words).collect()
}

fn commands(step: &Step, loaded: &Loaded, state: &State, host: &dyn Host, mask: &Mask) -> Vec<String> {
    let source = step.green_of.as_ref().and_then(|red| loaded.step(red.get_ref())).unwrap_or(step);
    let source = if step.uses.is_some() { step } else { source };
    let mut found = Vec::new();
    if step.tree == Tree::Base {
        found.extend(host.base_commands(&state.base));
    }
    if let Some(uses) = &source.uses {
        found.extend(host.commands(uses.get_ref(), source));
    }
    if let Some(run) = &source.run {
        let argv: Vec<String> = run.get_ref().iter().map(|text| expand(text, &state.captured)).collect();
        let line = match source.shell {
            true => argv.join(" "),
            false => Run::new(argv.first().cloned().unwrap_or_default(), "/").args(argv.iter().skip(1)).display(),
        };
        let place = source.cwd.as_ref().map(|cwd| format!("   (in {cwd})")).unwrap_or_default();
        found.push(mask.apply(&format!("{line}{place}")));
    }
    found
}

/// The questions that are put to tools, git and databases before the work.
fn asks(step: &Step, state: &State) -> Vec<String> {
    let mut found = Vec::new();
    for precondition in &step.preconditions {
        let precondition = precondition.get_ref();
        found.extend(precondition.tool.as_ref().map(|tool| format!("{tool} --version")));
        let on = precondition.on.as_deref().unwrap_or("dev");
        found.extend(precondition.sql.as_ref().map(|query| format!("{query}   (on `{on}`, reads only)")));
        if precondition.changed.is_some() {
            let base = &state.base[..12.min(state.base.len())];
            found.push(format!("git diff --name-only -z {base} --"));
            found.push("git ls-files --others --exclude-standard -z".to_owned());
        }
    }
    found.extend(
        step.probes
            .iter()
            .map(|probe| format!("probe {}   (catalog and migrations table, reads only)", probe.get_ref())),
    );
    found
}
