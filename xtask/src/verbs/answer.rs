//! `answer`, `attest`, `accept`, `abort`: a person's words, said as commands or at the terminal.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use inquire::{InquireError, Select, Text};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::open::{self, Repo};
use crate::engine::adoption;
use crate::engine::answers::{self, Word};
use crate::engine::view::{self, NextView};
use crate::failure::Failure;
use crate::process::interrupt;
use crate::repo::git;
use crate::report::terminal::print;
use crate::state::folder::now;
use crate::state::lock;
use crate::state::{RunFolder, State};
use crate::workflow::Loaded;
use crate::workflow::validate::RESERVED;

pub(super) fn answer(repo: &Repo, step: &str, option: usize, reason: &str) -> Result<u8> {
    if step == RESERVED {
        return say(repo, |_, folder, state| {
            let current = open::current(&repo.root, &state.workflow)?;
            let by = git::person(&repo.root);
            adoption::answer(&current, folder, state, option, &Word { by: &by, text: reason })?;
            Ok(format!(
                "{step}: the run {}",
                if option == adoption::ADOPT { "goes by the changed file" } else { "finishes on the old one" }
            ))
        });
    }
    say(repo, |loaded, folder, state| {
        let by = git::person(&repo.root);
        answers::answer(loaded, folder, state, step, option, &Word { by: &by, text: reason })?;
        let label = state.step.get(step).and_then(|step| step.answer.as_ref()).map(|answer| answer.label.clone());
        Ok(format!("{step}: {option} {}", label.unwrap_or_default()))
    })
}

pub(super) fn attest(repo: &Repo, step: &str, by: &str, note: &str) -> Result<u8> {
    say(repo, |loaded, folder, state| {
        answers::attest(loaded, folder, state, step, &Word { by, text: note })?;
        Ok(format!("{step}: attested by {by}"))
    })
}

pub(super) fn accept(repo: &Repo, findings: &[String], reason: &str) -> Result<u8> {
    say(repo, |loaded, folder, state| {
        let by = git::person(&repo.root);
        let step = answers::accept(loaded, folder, state, findings, &Word { by: &by, text: reason })?;
        Ok(format!("{step}: accepted {}", findings.join(", ")))
    })
}

pub(super) fn abort(repo: &Repo, reason: &str) -> Result<u8> {
    say(repo, |_, folder, state| {
        if reason.trim().is_empty() {
            return Err(Failure::usage("`--reason` is empty: the record needs a few words").into());
        }
        state.ended = Some(now());
        state.outcome = Some(format!("aborted: {reason}"));
        folder.save(state)?;
        print(&super::change::applied_note(folder, state));
        Ok(format!(
            "{} is ended; work tree and database are as they are, and its record stays in {}",
            state.run,
            folder.path().display()
        ))
    })
}

fn say(repo: &Repo, word: impl FnOnce(&Loaded, &RunFolder, &mut State) -> Result<String>) -> Result<u8> {
    let _held = lock::take(&repo.home, "an answer")?;
    let (folder, mut state) = repo.open_run()?;
    let loaded = open::pinned(&repo.root, &folder, &state)?;
    let said = word(&loaded, &folder, &mut state)?;
    print(&format!("{said}\n"));
    if let Some(next) = view::next(&loaded, &state) {
        print(&format!("next  {}\n", next.command));
    }
    Ok(0)
}

/// Asks at the terminal; false where the person would rather not say now.
pub(super) fn ask(
    repo: &Repo,
    loaded: &Loaded,
    folder: &RunFolder,
    state: &mut State,
    next: &NextView,
) -> Result<bool> {
    let by = git::person(&repo.root);
    match next.kind {
        "decision" if next.findings.is_empty() => {
            let labels: Vec<String> =
                next.options.iter().map(|option| format!("{}  {}", option.n, option.label)).collect();
            let shown = labels.clone();
            let Some(chosen) = said(|| Select::new("How should we proceed?", shown).prompt())? else {
                return Ok(false);
            };
            let option = labels.iter().position(|label| *label == chosen).context("a shown option was chosen")? + 1;
            let Some(reason) = said(|| Text::new("Why? (goes into the record)").prompt())? else { return Ok(false) };
            answers::answer(loaded, folder, state, &next.step, option, &Word { by: &by, text: &reason })?;
            Ok(true)
        }
        "decision" => {
            let question = format!("Accept {}? Why? (empty: no)", next.findings.join(", "));
            let Some(reason) = said(move || Text::new(&question).prompt())?.filter(|reason| !reason.trim().is_empty())
            else {
                return Ok(false);
            };
            answers::accept(loaded, folder, state, &next.findings, &Word { by: &by, text: &reason })?;
            Ok(true)
        }
        "attestation" => {
            let Some(note) = said(|| Text::new("Done? A few words for the record (empty: not yet)").prompt())?
                .filter(|note| !note.trim().is_empty())
            else {
                return Ok(false);
            };
            answers::attest(loaded, folder, state, &next.step, &Word { by: &by, text: &note })?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Asks at the terminal which workflow the run goes by; false where the person would rather not say now.
pub(super) fn ask_workflow(
    repo: &Repo,
    current: &Loaded,
    folder: &RunFolder,
    state: &mut State,
    next: &NextView,
) -> Result<bool> {
    let labels: Vec<String> = next.options.iter().map(|option| format!("{}  {}", option.n, option.label)).collect();
    let (asked, shown) = (next.ask.clone().unwrap_or_default(), labels.clone());
    let Some(chosen) = said(move || Select::new(&asked, shown).prompt())? else { return Ok(false) };
    let option = labels.iter().position(|label| *label == chosen).context("a shown option was chosen")? + 1;
    let Some(reason) = said(|| Text::new("Why? (goes into the record)").prompt())? else { return Ok(false) };
    let by = git::person(&repo.root);
    adoption::answer(current, folder, state, option, &Word { by: &by, text: &reason })?;
    Ok(true)
}

/// What was said; nothing where the person would rather not, or we are asked to stop.
fn said<T: Send + 'static>(prompt: impl FnOnce() -> Result<T, InquireError> + Send + 'static) -> Result<Option<T>> {
    let terminal = tcgetattr(std::io::stdin()).ok();
    let (sender, receiver) = channel();
    // Reading from a terminal that is gone never ends, and no signal ends it either: it is left to a thread, and to our exit.
    std::thread::spawn(move || sender.send(prompt()));
    loop {
        match receiver.recv_timeout(Duration::from_millis(50)) {
            Ok(Ok(value)) => return Ok(Some(value)),
            Ok(Err(InquireError::OperationCanceled | InquireError::OperationInterrupted)) => return Ok(None),
            // A terminal that went away says nothing; the question stays, and how to answer it was shown.
            Ok(Err(InquireError::IO(_) | InquireError::NotTTY)) => return Ok(None),
            Ok(Err(error)) => return Err(error).context("asking at the terminal"),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(anyhow::anyhow!("the question at the terminal panicked"));
            }
            Err(RecvTimeoutError::Timeout) if interrupt::requested() => {
                if let Some(terminal) = &terminal {
                    let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, terminal);
                }
                return Ok(None);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
