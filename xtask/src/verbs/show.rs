//! Verbs that only read: status, why, runs, report. They work while a run is at work.

use std::fmt::Write;
use std::fs;

use anyhow::{Context, Result};
use serde_json::json;

use super::open::{self, Repo};
use super::place;
use crate::actions::trial;
use crate::actions::world::World;
use crate::cli::Format;
use crate::engine::difference::{self, Change};
use crate::engine::files::Seen;
use crate::engine::key::{self, Ask};
use crate::engine::runner::unknown_step;
use crate::engine::view;
use crate::failure::Failure;
use crate::report::page;
use crate::report::terminal::{self, data, print};
use crate::state::Status;
use crate::state::contents::Contents;
use crate::workflow::command;

pub(super) fn status(repo: &Repo, as_json: bool) -> Result<u8> {
    let (folder, state) = repo.last_run()?;
    let loaded = open::pinned(&repo.root, &folder, &state)?;
    let view = view::of(&loaded, &state);
    if as_json {
        data(&format!("{}\n", serde_json::to_string(&view).context("describing the run")?));
    } else {
        terminal::page(&page::status(&view, &loaded, &state));
    }
    Ok(0)
}

pub(super) fn why(repo: &Repo, step: &str, as_json: bool) -> Result<u8> {
    let (folder, state) = repo.last_run()?;
    let loaded = open::pinned(&repo.root, &folder, &state)?;
    let Some(definition) = loaded.step(step) else { return Err(unknown_step(&loaded, step).into()) };
    let present = state.step.get(step).cloned().unwrap_or_default();
    let place = place::of(repo, &state)?;
    let world = World::new(&place.root, &loaded, folder.clone(), &state.base).of_repo(&repo.root);
    let kept = Contents::at(&place.root.join(".db-change"));
    let now = key::of(definition, &loaded, &state, &place.root, &world, Ask::Everything, &mut Seen::default());
    let unmatched = now.as_ref().map(|now| now.unmatched().to_vec()).unwrap_or_default();
    let (changed, not_judged) = match (present.status, now) {
        (Status::Passed | Status::Stale, Ok(now)) => (difference::between(&present.key, &now, &kept), None),
        // What was proven can be read without a database; whether it still holds cannot be said then.
        (Status::Passed, Err(error)) => (Vec::new(), Some(format!("not judged: {error}"))),
        _ => (Vec::new(), None),
    };
    let lines = |change: &Change| difference::lines(change, definition, &loaded, &place.root, &world, &kept);
    let evidence = folder.evidence(step).ok();
    if as_json {
        let object = json!({
            "schema": "1.0", "run": state.run, "step": step, "status": present.status.words(), "reason": present.reason,
            "changed": changed.iter().map(|change| json!({"part": change.part, "how": change.how, "difference": lines(change)})).collect::<Vec<_>>(),
            "not_judged": not_judged, "started": present.started, "seconds": present.seconds,
            "proven": evidence.as_ref().map(|evidence| &evidence.proven), "info": evidence.as_ref().map(|evidence| &evidence.info),
            "answer": present.answer, "attestation": present.attestation, "accepted": present.accepted,
        });
        data(&format!("{object}\n"));
        return Ok(0);
    }
    let mut out = format!("{step}  {}   {}\n", present.status.words(), definition.title);
    if let Some(reason) = &present.reason {
        let _ = writeln!(out, "  because  {reason}");
    }
    if let Some(text) = &not_judged {
        let _ = writeln!(out, "  stale?   {text}");
    }
    for change in &changed {
        let _ = writeln!(out, "  stale    {}", change.words());
        for line in lines(change) {
            let _ = writeln!(out, "             {line}");
        }
    }
    for pattern in unmatched {
        let _ = writeln!(out, "  no input `{pattern}` matches no file");
    }
    if let Some(started) = &present.started {
        let _ = writeln!(out, "  when     {started}, {:.1} s", present.seconds);
    }
    if let Some(answer) = &present.answer {
        let _ = writeln!(
            out,
            "  chosen   {} {} ({}, {}: {})",
            answer.option, answer.label, answer.by, answer.at, answer.reason
        );
    }
    if let Some(evidence) = evidence {
        let mut noted = evidence.info;
        let trial = noted.remove("trial");
        let _ = writeln!(out, "\n  proven\n{}", indented(&evidence.proven));
        let _ = writeln!(out, "  measured and noted\n{}", indented(&noted));
        if let Some(trial) = trial {
            let page = trial::page(&trial, terminal::WIDTH - 4);
            let lines: String = page.lines().map(|line| format!("    {line}\n")).collect();
            let _ = writeln!(out, "  tried, each statement on the copy, in one transaction\n{lines}");
        }
    }
    data(&out);
    Ok(0)
}

fn indented(table: &toml::Table) -> String {
    toml::to_string(table).unwrap_or_default().lines().map(|line| format!("    {line}\n")).collect()
}

pub(super) fn runs(repo: &Repo, as_json: bool) -> Result<u8> {
    let runs = repo.home.runs()?;
    if as_json {
        let list: Vec<_> = runs
            .iter()
            .map(|(_, state)| json!({"run": state.run, "title": state.title, "branch": state.branch, "started": state.started, "outcome": state.outcome}))
            .collect();
        data(&format!("{}\n", json!({"schema": "1.0", "runs": list})));
        return Ok(0);
    }
    for (_, state) in &runs {
        data(&format!(
            "{:<24} {:<20} {}  {}\n",
            state.run,
            state.branch,
            state.started,
            state.outcome.as_deref().unwrap_or("open")
        ));
    }
    if runs.is_empty() {
        print("no run yet\n");
    }
    Ok(0)
}

pub(super) fn report(repo: &Repo, format: Format) -> Result<u8> {
    let (folder, state) = repo.last_run()?;
    let ending = match format {
        Format::Text => "txt",
        Format::Md => "md",
        Format::Json => "json",
        Format::Html => "html",
    };
    let path = folder.path().join(format!("report.{ending}"));
    let text = fs::read_to_string(&path).map_err(|_| {
        Failure::refused(format!("the run `{}` has no report yet", state.run))
            .hint(format!("it is written when every step has passed: {}", command(&state.workflow, "status")))
    })?;
    data(&text);
    Ok(0)
}
