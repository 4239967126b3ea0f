//! `answer`, `attest`, `accept`, `abort`: a person's words, said as commands or at the terminal.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use inquire::{InquireError, Select, Text};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use super::change::at_terminal;
use super::open::{self, Repo};
use crate::cli::Signing;
use crate::engine::adoption;
use crate::engine::answers::{self, Saying, Word};
use crate::engine::view::{self, NextView};
use crate::failure::Failure;
use crate::process::interrupt;
use crate::repo::{git, signature};
use crate::report::terminal::{data, print};
use crate::state::folder::now;
use crate::state::lock;
use crate::state::model::Witness;
use crate::state::{RunFolder, State};
use crate::workflow::Loaded;
use crate::workflow::validate::RESERVED;

pub(super) fn answer(repo: &Repo, step: &str, option: usize, reason: &str, signing: &Signing) -> Result<u8> {
    say(repo, |loaded, folder, state| {
        let current = (step == RESERVED).then(|| open::current(&repo.root, &state.workflow)).transpose()?;
        let to_sign = match &current {
            Some(current) => adoption::to_sign(state, current, option, reason),
            None => answers::to_sign(loaded, state, step, Saying::Answer(option), reason)?,
        };
        let Some(witness) = witness(repo, state, &to_sign, signing)? else { return Ok(None) };
        let by = speaker(repo, witness.as_ref());
        let word = Word { by: &by, text: reason, witness };
        if let Some(current) = &current {
            adoption::answer(loaded, current, folder, state, option, &word)?;
            let goes = if option == adoption::ADOPT { "goes by the changed file" } else { "finishes on the old one" };
            return Ok(Some(format!("{step}: the run {goes}")));
        }
        answers::answer(loaded, folder, state, step, option, &word)?;
        let label = state.step.get(step).and_then(|step| step.answer.as_ref()).map(|answer| answer.label.clone());
        Ok(Some(format!("{step}: {option} {}", label.unwrap_or_default())))
    })
}

pub(super) fn attest(repo: &Repo, step: &str, by: &str, note: &str, signing: &Signing) -> Result<u8> {
    say(repo, |loaded, folder, state| {
        let to_sign = answers::to_sign(loaded, state, step, Saying::Attest(by), note)?;
        let Some(witness) = witness(repo, state, &to_sign, signing)? else { return Ok(None) };
        answers::attest(loaded, folder, state, step, &Word { by, text: note, witness })?;
        Ok(Some(format!("{step}: attested by {by}")))
    })
}

pub(super) fn accept(repo: &Repo, findings: &[String], reason: &str, signing: &Signing) -> Result<u8> {
    say(repo, |loaded, folder, state| {
        let step = answers::asks_about_findings(loaded, state)?;
        let to_sign = answers::to_sign(loaded, state, &step, Saying::Accept(findings), reason)?;
        let Some(witness) = witness(repo, state, &to_sign, signing)? else { return Ok(None) };
        let by = speaker(repo, witness.as_ref());
        let step = answers::accept(loaded, folder, state, findings, &Word { by: &by, text: reason, witness })?;
        Ok(Some(format!("{step}: accepted {}", findings.join(", "))))
    })
}

/// What shows that a person says this. None: it was only printed, for signing elsewhere.
fn witness(repo: &Repo, state: &State, to_sign: &str, signing: &Signing) -> Result<Option<Option<Witness>>> {
    if signing.to_sign {
        data(to_sign);
        return Ok(None);
    }
    let signature = match (&signing.signature, &signing.sign) {
        (Some(path), _) => Some(
            std::fs::read_to_string(path)
                .map_err(|error| Failure::usage(format!("cannot read the signature `{}`: {error}", path.display())))?,
        ),
        (None, Some(key)) => Some(signature::sign(key, to_sign)?),
        (None, None) => None,
    };
    let Some(signature) = signature else { return Ok(Some(at_terminal().then_some(Witness::Terminal))) };
    let principal = signature::verify(&repo.root, &state.base, &state.signers, to_sign, &signature)?;
    Ok(Some(Some(Witness::Signature { principal, signature })))
}

/// The signer, or else whoever git says is at work here.
fn speaker(repo: &Repo, witness: Option<&Witness>) -> String {
    match witness {
        Some(Witness::Signature { principal, .. }) => principal.clone(),
        _ => git::person(&repo.root),
    }
}

pub(super) fn abort(repo: &Repo, reason: &str) -> Result<u8> {
    say(repo, |_, folder, state| {
        if reason.trim().is_empty() {
            return Err(Failure::usage("`--reason` is empty: the record needs a few words").into());
        }
        state.ended = Some(now());
        state.outcome = Some(format!("aborted: {reason}"));
        folder.save(state)?;
        open::record_end(repo, state)?;
        print(&super::change::applied_note(folder, state));
        Ok(Some(format!(
            "{} is ended; work tree and database are as they are, and its record stays in {}",
            state.run,
            folder.path().display()
        )))
    })
}

fn say(repo: &Repo, word: impl FnOnce(&Loaded, &RunFolder, &mut State) -> Result<Option<String>>) -> Result<u8> {
    let _held = lock::take(&repo.home, "an answer")?;
    let (folder, mut state) = repo.open_run()?;
    let loaded = open::pinned(&repo.root, &folder, &state)?;
    let Some(said) = word(&loaded, &folder, &mut state)? else { return Ok(0) };
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
            answers::answer(
                loaded,
                folder,
                state,
                &next.step,
                option,
                &Word { by: &by, text: &reason, witness: Some(Witness::Terminal) },
            )?;
            Ok(true)
        }
        "decision" => {
            let question = format!("Accept {}? Why? (empty: no)", next.findings.join(", "));
            let Some(reason) = said(move || Text::new(&question).prompt())?.filter(|reason| !reason.trim().is_empty())
            else {
                return Ok(false);
            };
            answers::accept(
                loaded,
                folder,
                state,
                &next.findings,
                &Word { by: &by, text: &reason, witness: Some(Witness::Terminal) },
            )?;
            Ok(true)
        }
        "attestation" => {
            let Some(note) = said(|| Text::new("Done? A few words for the record (empty: not yet)").prompt())?
                .filter(|note| !note.trim().is_empty())
            else {
                return Ok(false);
            };
            answers::attest(
                loaded,
                folder,
                state,
                &next.step,
                &Word { by: &by, text: &note, witness: Some(Witness::Terminal) },
            )?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Asks at the terminal which workflow the run goes by; false where the person would rather not say now.
pub(super) fn ask_workflow(
    repo: &Repo,
    pinned: &Loaded,
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
    adoption::answer(
        pinned,
        current,
        folder,
        state,
        option,
        &Word { by: &by, text: &reason, witness: Some(Witness::Terminal) },
    )?;
    Ok(true)
}

/// What was said; nothing where the person would rather not, or we are asked to stop.
pub(super) fn said<T: Send + 'static>(
    prompt: impl FnOnce() -> Result<T, InquireError> + Send + 'static,
) -> Result<Option<T>> {
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
