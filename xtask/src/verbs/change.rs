//! `db-change` and `run NAME`: open or find the run, go as far as possible, show where it stopped.

use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use super::answers_file::{AnswersFile, Asked};
use super::open::{self, Repo};
use super::{answer, left_over, only, place, questions};
use crate::actions;
use crate::actions::adopt;
use crate::actions::change::{self, Change, Origin};
use crate::actions::infer::{self, Found};
use crate::actions::world::World;
use crate::cli::{DB_CHANGE, Go, Start};
use crate::digest;
use crate::engine::runner::{Engine, Stop};
use crate::engine::{Display, adoption, person, raise_lane, view};
use crate::failure::{Failure, Kind};
use crate::process::{interrupt, mark};
use crate::repo::git;
use crate::report::json::JsonLines;
use crate::report::page;
use crate::report::steps::Steps;
use crate::report::terminal::{self, data, print};
use crate::sql::Operation;
use crate::state::folder::now;
use crate::state::lock::{self, Lock};
use crate::state::model::SCHEMA;
use crate::state::{RunFolder, State, Status};
use crate::workflow::validate::RESERVED;
use crate::workflow::{Loaded, command, load};

/// `cargo xtask db-change`
fn go_on(go: &Go) -> Result<u8> {
    let repo = open::repo(DB_CHANGE)?;
    let loaded = open::current(&repo.root, DB_CHANGE)?;
    let held = lock::take(&repo.home, "cargo xtask db-change")?;
    let found = match repo.home.open_run(DB_CHANGE, &repo.branch)? {
        Some(found) => found,
        None => match inferred(&repo, &loaded)? {
            Found::Change(change) => create(&repo, &loaded, &change, None)?,
            Found::Proven(tag) => return proven_already(&tag),
            Found::Nothing => return nothing_to_do(&repo, &loaded, go),
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
    refuse_second(&repo)?;
    let change = match declared {
        Some(change) => infer::with_migration(&opening(&repo, &loaded)?, change)?,
        None => match inferred(&repo, &loaded)? {
            Found::Change(change) => Change { title: start.title.clone().unwrap_or(change.title.clone()), ..*change },
            Found::Proven(tag) => return proven_already(&tag),
            Found::Nothing if at_terminal() && !start.go.json => {
                let latest = infer::latest(&opening(&repo, &loaded)?)?;
                let Some(change) = questions::change(&latest, start.title.as_deref())? else {
                    print("nothing is begun\n");
                    return Ok(Kind::Waiting.exit_code());
                };
                change
            }
            Found::Nothing => {
                return Err(Failure::usage("no change is declared, and the schema files say what the newest migration says")
                    .hint("declare one: cargo xtask db-change start --title \"Rename email\" --rename users.email=users.email_address")
                    .hint("or edit the schema files first")
                    .into());
            }
        },
    };
    let found = create(&repo, &loaded, &change, None)?;
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
        None => new_run(&repo, &loaded, name, name, toml::Table::new(), None)?,
    };
    drive(&repo, loaded, found, go, held)
}

/// A branch carries one change at a time.
pub(super) fn refuse_second(repo: &Repo) -> Result<()> {
    let Some((_, state)) = repo.home.open_run(DB_CHANGE, &repo.branch)? else { return Ok(()) };
    Err(Failure::refused(format!("the run `{}` is open on this branch: {}", state.run, state.title))
        .hint("go on with it: cargo xtask db-change")
        .hint("or end it: cargo xtask db-change abort --reason TEXT")
        .into())
}

fn proven_already(tag: &str) -> Result<u8> {
    print(&format!("nothing to do: `{tag}` is proven as it stands, and not committed yet\n"));
    print("next  git add -A && git commit\n");
    Ok(0)
}

/// What is committed on this branch and was never proven: a colleague's, or made without this.
fn unproven(tags: &[String], first: &str, go: &Go) -> Result<u8> {
    let command = format!("cargo xtask db-change adopt {first}");
    let (are, text) = (if tags.len() == 1 { "is" } else { "are" }, tags.join(", "));
    print(&format!("no edit to carry on, but committed on this branch and not proven {are}: {text}\n"));
    print(&format!("next  prove it: {command}\n"));
    if go.json {
        let next =
            json!({"step": null, "kind": "run", "by": "anyone", "question": null, "details": tags, "command": command});
        data(&format!("{}\n", json!({"schema": "1.0", "run": null, "next": next})));
    }
    Ok(0)
}

fn nothing_to_do(repo: &Repo, loaded: &Loaded, go: &Go) -> Result<u8> {
    let open = adopt::unproven(&opening(repo, loaded)?)?;
    if let Some(first) = open.first() {
        return unproven(&open, first, go);
    }
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
    let mut from = Origin::Flags;
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
        from = Origin::File;
    }
    operations.extend(start.declared.operations()?);
    if operations.is_empty() {
        return Ok(None);
    }
    let title = title.unwrap_or_else(|| operations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
    Ok(Some(Change::new(title, from, operations)))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangeFile {
    #[serde(default)]
    title: Option<String>,
    operation: Vec<Operation>,
}

fn inferred(repo: &Repo, loaded: &Loaded) -> Result<Found> {
    asked_before_a_run(infer::infer(&opening(repo, loaded)?))
}

/// The world before there is a run: logs need a place, and a folder without a state is no run.
pub(super) fn opening<'a>(repo: &Repo, loaded: &'a Loaded) -> Result<World<'a>> {
    let folder = repo.home.run(".opening");
    folder.create()?;
    Ok(World::new(&repo.root, loaded, folder, &git::head(&repo.root)?))
}

/// There is no run yet that could carry a question: for a program it goes out here.
pub(super) fn asked_before_a_run<T>(found: Result<T>) -> Result<T> {
    if let Err(error) = &found
        && let Some(asked) = error.downcast_ref::<Failure>().filter(|failure| failure.kind == Kind::Waiting)
        && !std::io::stdout().is_terminal()
    {
        let command = asked.hints.iter().find_map(|hint| hint.split_once(": ")).map(|(_, command)| command);
        let next = json!({
            "step": "declare", "kind": "decision", "by": "person", "question": asked.message, "details": asked.details,
            "options": [], "ask": null, "findings": [], "command": command,
        });
        data(&format!("{}\n", json!({"schema": "1.0", "run": null, "next": next})));
    }
    found
}

/// `base`: the commit to compare with, where that is not HEAD.
pub(super) fn create(repo: &Repo, loaded: &Loaded, change: &Change, base: Option<&str>) -> Result<(RunFolder, State)> {
    let (folder, mut state) = new_run(repo, loaded, &change.slug(), &change.title, change.to_table()?, base)?;
    let (lane, reason) = change::lane(&change.operations);
    raise_lane(&mut state, lane, &reason);
    folder.save(&mut state)?;
    Ok((folder, state))
}

fn new_run(
    repo: &Repo,
    loaded: &Loaded,
    slug: &str,
    title: &str,
    declared: toml::Table,
    base: Option<&str>,
) -> Result<(RunFolder, State)> {
    let run = repo.home.free_id(slug);
    let folder = repo.home.run(&run);
    folder.create()?;
    let base = base.map_or_else(|| git::head(&repo.root), |base| Ok(base.to_owned()))?;
    let Rules { pinned, by_person, signers } = rules(repo, loaded, &base)?;
    let loaded = pinned.as_ref().unwrap_or(loaded);
    let mut state = State {
        schema: format!("{}.{}", SCHEMA.0, SCHEMA.1),
        run,
        nonce: digest::hex(&digest::random::<16>()?),
        serial: 0,
        written_by: String::new(),
        workflow: loaded.workflow.name.clone(),
        workflow_digest: loaded.digest().to_owned(),
        workflow_text: digest::of(&loaded.text),
        workflow_changes: Vec::new(),
        base,
        by_person,
        signers,
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
    folder.save_workflow(loaded.digest(), &loaded.text)?;
    folder.save(&mut state)?;
    Ok((folder, state))
}

/// What a new run goes by.
struct Rules {
    /// The workflow of the base commit, where the run begins with that one.
    pinned: Option<Loaded>,
    by_person: Vec<String>,
    signers: String,
}

/// A workflow of the base commit that leaves a gate to a person is what a run begins with: an edit of it is adopted by a
/// person, or counts once it is committed. A file that cannot be read there, or is reached by a
/// link, leaves every gate to a person.
fn rules(repo: &Repo, current: &Loaded, base: &str) -> Result<Rules> {
    let name = format!("workflows/{}.toml", current.workflow.name);
    let signers = current.workflow.signers().to_owned();
    let all_by_person = |signers| Rules { pinned: None, by_person: vec![person::ALL.to_owned()], signers };
    if git::leads_elsewhere(&repo.root, base, &name)? {
        return Ok(all_by_person(signers));
    }
    let Some(text) = git::file_at(&repo.root, base, &name)? else {
        return Ok(Rules { pinned: None, by_person: Vec::new(), signers });
    };
    let Ok(there) = load::parse(&current.path, &text, &actions::catalogue()) else {
        return Ok(all_by_person(signers));
    };
    let (by_person, signers) = (person::steps_of(&there), there.workflow.signers().to_owned());
    let guarded = !by_person.is_empty() && there.digest() != current.digest();
    Ok(Rules { pinned: guarded.then_some(there), by_person, signers })
}

/// Runs until something holds it up; at a terminal it asks and goes on.
pub(super) fn drive(repo: &Repo, current: Loaded, found: (RunFolder, State), go: &Go, held: Lock) -> Result<u8> {
    let asks = at_terminal();
    let (folder, mut state) = found;
    // Someone may have cleaned up: logs are not needed for anything but reading.
    folder.create()?;
    open::hold_to_the_record(repo, &folder, &mut state)?;
    let mut answers = go.answers.as_deref().map(AnswersFile::read).transpose()?.unwrap_or_default();
    let Some(loaded) = settled(repo, current, &folder, &mut state, go, &mut answers)? else {
        return Ok(Kind::Waiting.exit_code());
    };
    let loaded = &loaded;
    answers.check(loaded)?;
    mark::bear(&repo.root, &state.run);
    let base = state.base.clone();
    let place = place::of(repo, &state)?;
    let world = World::new(&place.root, loaded, folder.clone(), &base).of_repo(&repo.root);
    left_over::wait(&world, &repo.home)?;
    left_over::temporary(&world)?;
    place.make(&world, false)?;
    let display = shown_on(go);
    let jobs = go.jobs.map(usize::from);
    let mut engine =
        Engine { loaded, host: &world, display, root: &place.root, folder, state, jobs, lock: Some(&held) };
    let code = loop {
        place.bring()?;
        let stop = engine.run(go.to.as_deref());
        place.give_back(matches!(stop, Ok(Stop::Done)) && go.to.is_none())?;
        match stop? {
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
                show_held(loaded, &engine.state, &step, &failure, &others);
                if failure.kind == Kind::Waiting
                    && let Some(next) = &next
                    && let Engine { folder, state, .. } = &mut engine
                    && answers.say(&mut Asked { repo, loaded, folder, state }, next)?
                {
                    continue;
                }
                if failure.kind == Kind::Waiting
                    && asks
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
    if engine.state.ended.is_some() {
        open::record_end(repo, &engine.state)?;
    }
    drop(held);
    let left = answers.left();
    if !left.is_empty() {
        print(&format!("note: answers that nobody asked for: {}\n", left.join(", ")));
    }
    Ok(code)
}

/// The final block: every failure once more, the question if there is one, and what to type.
fn show_held(loaded: &Loaded, state: &State, step: &str, failure: &Failure, others: &[(String, Failure)]) {
    let cut_off = |step: &str, failure: &Failure| {
        let failed = state.step.get(step).is_some_and(|step| step.status == Status::Failed);
        interrupt::requested() && failure.kind == Kind::Step && !failed
    };
    let others = others.iter().map(|(step, failure)| (step.as_str(), failure));
    let all: Vec<(&str, &Failure)> = others.chain([(step, failure)]).collect();
    let (cut_off, told): (Vec<_>, Vec<_>) = all.into_iter().partition(|(step, failure)| cut_off(step, failure));
    for (step, failure) in told {
        print(&page::held(&state.workflow, step, failure, Some(&view::at(loaded, state, step))));
    }
    if !cut_off.is_empty() {
        let steps: Vec<&str> = cut_off.into_iter().map(|(step, _)| step).collect();
        print(&page::stopped(loaded, state, &steps));
    } else if failure.kind != Kind::Waiting {
        print(&page::go_on(loaded, failure));
    }
}

pub(super) fn shown_on(go: &Go) -> Arc<dyn Display> {
    if go.json { Arc::new(JsonLines) } else { Arc::new(Steps::new(terminal::is_live())) }
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
fn settled(
    repo: &Repo,
    current: Loaded,
    folder: &RunFolder,
    state: &mut State,
    go: &Go,
    answers: &mut AnswersFile,
) -> Result<Option<Loaded>> {
    if state.workflow_text == digest::of(&current.text) || state.workflow_digest == current.digest() {
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
    let by_file = answers.say_workflow(&mut Asked { repo, loaded: &pinned, folder, state }, &current)?;
    if by_file || at_terminal() && !go.json && answer::ask_workflow(repo, &pinned, &current, folder, state, &next)? {
        return open::pinned(&repo.root, folder, state).map(Some);
    }
    if go.json || !std::io::stdout().is_terminal() {
        data(&format!("{}\n", json!({"schema": "1.0", "run": state.run, "next": next})));
    }
    Ok(None)
}

pub(super) fn at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}
