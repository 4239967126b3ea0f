//! `db-change` and `run NAME`: open or find the run, go as far as possible, show where it stopped.

use std::io::IsTerminal;

use anyhow::Result;
use serde_json::json;

use super::open::{self, Repo};
use super::{answer, only};
use crate::actions::change::{self, Change};
use crate::actions::world::World;
use crate::cli::{DB_CHANGE, Go, Start};
use crate::engine::runner::{Engine, Stop};
use crate::engine::{Display, adoption, raise_lane, view};
use crate::failure::{Failure, Kind};
use crate::repo::git;
use crate::report::json::JsonLines;
use crate::report::page;
use crate::report::terminal::{Terminal, data, print};
use crate::sql::Operation;
use crate::state::folder::now;
use crate::state::lock::{self, Lock};
use crate::state::model::SCHEMA;
use crate::state::{RunFolder, State, Status};
use crate::workflow::validate::RESERVED;
use crate::workflow::{Loaded, command};

/// `cargo xtask db-change`
fn go_on(go: &Go) -> Result<u8> {
    let repo = open::repo(DB_CHANGE)?;
    let loaded = open::current(&repo.root, DB_CHANGE)?;
    let held = lock::take(&repo.home, "cargo xtask db-change")?;
    let found = match repo.home.open_run(DB_CHANGE, &repo.branch)? {
        Some(found) => found,
        None => match inferred(&repo, &loaded)? {
            Some(change) => create(&repo, &loaded, &change)?,
            None => return nothing_to_do(&repo),
        },
    };
    drive(&repo, loaded, found, go, held)
}

/// `cargo xtask db-change start`
pub(super) fn start(start: &Start, workflow: &str) -> Result<u8> {
    if workflow != DB_CHANGE {
        return Err(Failure::usage(format!("`start` declares a schema change, which is not for `{workflow}`"))
            .hint(format!("cargo xtask run {workflow}"))
            .into());
    }
    let repo = open::repo(DB_CHANGE)?;
    let loaded = open::current(&repo.root, DB_CHANGE)?;
    let declared = declared(start)?;
    let held = lock::take(&repo.home, "cargo xtask db-change start")?;
    if let Some((_, state)) = repo.home.open_run(DB_CHANGE, &repo.branch)? {
        return Err(Failure::refused(format!("the run `{}` is open on this branch: {}", state.run, state.title))
            .hint("go on with it: cargo xtask db-change")
            .hint("or end it: cargo xtask db-change abort --reason TEXT")
            .into());
    }
    let change = match declared {
        Some(change) => change,
        None => match inferred(&repo, &loaded)? {
            Some(change) => Change { title: start.title.clone().unwrap_or(change.title), ..change },
            None => {
                return Err(Failure::usage("no change is declared, and the schema files say what the newest migration says")
                    .hint("declare one: cargo xtask db-change start --title \"Rename email\" --rename users.email=users.email_address")
                    .hint("or edit the schema files first")
                    .into());
            }
        },
    };
    let found = create(&repo, &loaded, &change)?;
    drive(&repo, loaded, found, &start.go, held)
}

/// `cargo xtask run NAME`
pub(super) fn run_workflow(name: &str, go: &Go) -> Result<u8> {
    if let Some(step) = &go.only {
        return only::only(&open::repo(name)?, step, go);
    }
    if name == DB_CHANGE {
        return go_on(go);
    }
    let repo = open::repo(name)?;
    let loaded = open::current(&repo.root, name)?;
    let held = lock::take(&repo.home, &format!("cargo xtask run {name}"))?;
    let found = match repo.home.open_run(name, &repo.branch)? {
        Some(found) => found,
        None => new_run(&repo, &loaded, name, name, toml::Table::new())?,
    };
    drive(&repo, loaded, found, go, held)
}

fn nothing_to_do(repo: &Repo) -> Result<u8> {
    print("nothing to do: no run is open on this branch, and the schema files say what the newest migration says\n");
    if let Some((_, state)) = repo.home.last_run(DB_CHANGE, &repo.branch)? {
        print(&format!("last run: {} ({})\n", state.run, state.outcome.as_deref().unwrap_or("open")));
    }
    print("next  edit the schema files and run this again, or: cargo xtask db-change start --help\n");
    Ok(0)
}

/// What the flags and the file of `start` say.
fn declared(start: &Start) -> Result<Option<Change>> {
    let mut operations: Vec<Operation> = Vec::new();
    let mut title = start.title.clone();
    let mut from = "flags";
    if let Some(path) = &start.change {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read `{}`: {error}", path.display())))?;
        let file: ChangeFile = toml::from_str(&text).map_err(|error| {
            Failure::usage(format!("`{}` does not describe a change: {}", path.display(), error.message())).hint(
                "[[operation]] kind = \"rename_column\", table = \"users\", from = \"email\", to = \"email_address\"",
            )
        })?;
        operations.extend(file.operation);
        title = title.or(file.title);
        from = "file";
    }
    for text in &start.rename {
        operations.push(change::parse_rename(text)?);
    }
    for text in &start.add {
        operations.push(change::parse_add(text)?);
    }
    if operations.is_empty() {
        return Ok(None);
    }
    let title = title.unwrap_or_else(|| operations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    Ok(Some(Change { title, from: from.to_owned(), operations }))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeFile {
    #[serde(default)]
    title: Option<String>,
    operation: Vec<Operation>,
}

fn inferred(repo: &Repo, loaded: &Loaded) -> Result<Option<Change>> {
    // Logs need a place before there is a run; a folder without a state is no run.
    let folder = repo.home.run(".opening");
    folder.create()?;
    let found = change::infer(&World::new(&repo.root, loaded, folder, &git::head(&repo.root)?));
    if let Err(error) = &found
        && let Some(asked) = error.downcast_ref::<Failure>().filter(|failure| failure.kind == Kind::Waiting)
        && !std::io::stdout().is_terminal()
    {
        // There is no run yet that could carry the question.
        let command = asked.hints.iter().find_map(|hint| hint.split_once(": ")).map(|(_, command)| command);
        let next = json!({
            "step": "declare", "kind": "decision", "by": "person", "question": asked.message, "details": asked.details,
            "options": [], "ask": null, "findings": [], "command": command,
        });
        data(&format!("{}\n", json!({"schema": "1.0", "run": null, "next": next})));
    }
    found
}

fn create(repo: &Repo, loaded: &Loaded, change: &Change) -> Result<(RunFolder, State)> {
    let (folder, mut state) = new_run(repo, loaded, &change.slug(), &change.title, change.to_table()?)?;
    let (lane, reason) = change::lane(&change.operations);
    raise_lane(&mut state, lane, &reason);
    folder.save(&mut state)?;
    Ok((folder, state))
}

fn new_run(repo: &Repo, loaded: &Loaded, slug: &str, title: &str, declared: toml::Table) -> Result<(RunFolder, State)> {
    let run = repo.home.free_id(slug);
    let folder = repo.home.run(&run);
    folder.create()?;
    let mut state = State {
        schema: format!("{}.{}", SCHEMA.0, SCHEMA.1),
        run,
        serial: 0,
        written_by: String::new(),
        workflow: loaded.workflow.name.clone(),
        workflow_digest: loaded.digest.clone(),
        workflow_changes: Vec::new(),
        base: git::head(&repo.root)?,
        branch: repo.branch.clone(),
        title: title.to_owned(),
        started: now(),
        ended: None,
        outcome: None,
        lane: None,
        lane_reason: None,
        declared,
        captured: std::collections::BTreeMap::new(),
        step: std::collections::BTreeMap::new(),
    };
    folder.save_workflow(&loaded.digest, &loaded.text)?;
    folder.save(&mut state)?;
    Ok((folder, state))
}

/// Runs until something holds it up; at a terminal it asks and goes on.
fn drive(repo: &Repo, current: Loaded, found: (RunFolder, State), go: &Go, held: Lock) -> Result<u8> {
    let terminal = at_terminal();
    let (folder, mut state) = found;
    let Some(loaded) = settled(repo, current, &folder, &mut state, go)? else { return Ok(Kind::Waiting.exit_code()) };
    let loaded = &loaded;
    let base = state.base.clone();
    let display = shown_on(go);
    let mut engine = Engine {
        loaded,
        host: &World::new(&repo.root, loaded, folder.clone(), &base),
        display: display.as_ref(),
        root: &repo.root,
        folder,
        state,
        jobs: go.jobs.map(usize::from),
    };
    let code = loop {
        match engine.run(go.to.as_deref())? {
            Stop::Done => break done(&engine, go),
            Stop::Ended(outcome) => {
                print(&format!(
                    "\nended: {outcome}; the analysis is kept: {}\n",
                    command(&loaded.workflow.name, "status")
                ));
                print(&applied_note(&engine.folder, &engine.state));
                break 0;
            }
            Stop::Held { step, failure, others } => {
                // With `--to`, steps that nobody asked for may be open before the one that waits.
                let next = Some(view::at(loaded, &engine.state, &step));
                for (other, failure) in &others {
                    print(&page::held(
                        &engine.state.workflow,
                        other,
                        failure,
                        Some(&view::at(loaded, &engine.state, other)),
                    ));
                }
                print(&page::held(&engine.state.workflow, &step, &failure, next.as_ref()));
                if failure.kind == Kind::Waiting
                    && terminal
                    && !go.json
                    && let Some(next) = &next
                    && answer::ask(repo, loaded, &engine.folder, &mut engine.state, next)?
                {
                    continue;
                }
                if failure.kind == Kind::Waiting && (go.json || !std::io::stdout().is_terminal()) {
                    data(&format!("{}\n", json!({"schema": "1.0", "run": engine.state.run, "next": next})));
                }
                break failure.kind.exit_code();
            }
        }
    };
    drop(held);
    Ok(code)
}

pub(super) fn shown_on(go: &Go) -> Box<dyn Display> {
    if go.json { Box::new(JsonLines) } else { Box::new(Terminal::new(at_terminal())) }
}

fn done(engine: &Engine<'_>, go: &Go) -> u8 {
    if go.to.is_some() {
        return 0;
    }
    let report = engine.folder.path().join("report.txt");
    if let Ok(text) = std::fs::read_to_string(&report) {
        if go.json {
            data(&format!("{}\n", json!({"schema": "1.0", "run": engine.state.run, "next": null, "summary": text})));
        } else {
            data(&text);
        }
        let receipt = engine.folder.evidence("report").ok();
        let receipt = receipt.as_ref().and_then(|evidence| evidence.info.get("receipt_file")?.as_str());
        print(&format!("\nnext  git add -A && git commit\n      receipt: {}\n", receipt.unwrap_or("none")));
    }
    0
}

/// A run that ends without being finished leaves what it applied; says so, and how to take it back.
pub(super) fn applied_note(folder: &RunFolder, state: &State) -> String {
    if state.step.get("apply").is_none_or(|apply| apply.status != Status::Passed) {
        return String::new();
    }
    let written = folder.evidence("rollback-write").ok();
    let rollback =
        written.as_ref().and_then(|evidence| evidence.info.get("shown")?.as_str()).unwrap_or("its rollback file");
    format!(
        "its migration is applied to the development database; to take it back: psql \"$DATABASE_URL\" < {rollback}\n"
    )
}

/// The workflow that the run goes by; None where somebody has to say first what a changed file means for it.
fn settled(repo: &Repo, current: Loaded, folder: &RunFolder, state: &mut State, go: &Go) -> Result<Option<Loaded>> {
    if state.workflow_digest == current.digest {
        return Ok(Some(current));
    }
    let pinned = open::pinned(&repo.root, folder, state)?;
    if !adoption::is_open(state, &current) {
        return Ok(Some(pinned));
    }
    let command = command(&state.workflow, &format!("answer {RESERVED} N --reason TEXT"));
    let next = adoption::question(&pinned, &current, state, &command)?;
    let failure = Failure::new(Kind::Waiting, next.question.clone().unwrap_or_default());
    print(&page::held(&state.workflow, RESERVED, &failure, Some(&next)));
    if at_terminal() && !go.json && answer::ask_workflow(repo, &current, folder, state, &next)? {
        return open::pinned(&repo.root, folder, state).map(Some);
    }
    if go.json || !std::io::stdout().is_terminal() {
        data(&format!("{}\n", json!({"schema": "1.0", "run": state.run, "next": next})));
    }
    Ok(None)
}

fn at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}
