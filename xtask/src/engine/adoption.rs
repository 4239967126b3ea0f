//! A run goes by the workflow it began with. When the file changes meanwhile, the difference is shown, and a person says
//! whether the run adopts it or finishes on the old one.

use anyhow::Result;
use similar::TextDiff;

use super::answers::Word;
use super::person;
use super::view::{NextView, OptionView};
use crate::digest;
use crate::failure::Failure;
use crate::state::folder::now;
use crate::state::model::WorkflowChange;
use crate::state::{RunFolder, State, Status};
use crate::workflow::validate::RESERVED;
use crate::workflow::{Loaded, command};

/// Lines of the difference that are shown.
const MOST: usize = 40;

pub const ADOPT: usize = 1;
pub const KEEP: usize = 2;

/// Whether the file says something that nobody has said anything about yet.
#[must_use]
pub fn is_open(state: &State, current: &Loaded) -> bool {
    let declined =
        state.workflow_changes.last().is_some_and(|change| !change.adopted && change.digest == current.digest());
    state.workflow_digest != current.digest() && !declined
}

/// The question, with the difference.
pub fn question(pinned: &Loaded, current: &Loaded, state: &State, command: &str) -> Result<NextView> {
    let difference = TextDiff::from_lines(&pinned.text, &current.text);
    let text = difference.unified_diff().context_radius(1).missing_newline_hint(false).to_string();
    let mut details: Vec<String> = text.lines().take(MOST).map(str::to_owned).collect();
    if text.lines().count() > MOST {
        details.push(format!("… and {} more lines", text.lines().count() - MOST));
    }
    let passed = |id: &String| state.step.get(id).is_some_and(|step| step.status == Status::Passed);
    let again: Vec<String> =
        pinned.differing(current)?.into_iter().filter(passed).map(|id| format!("`{id}`")).collect();
    let again = match again.is_empty() {
        true => "no step that has passed is defined differently".to_owned(),
        false => format!("passed and defined differently, so looked at again: {}", again.join(", ")),
    };
    let options = [
        (ADOPT, "go on by the changed file".to_owned(), again),
        (KEEP, "finish on the old one".to_owned(), "the changed file counts from the next run on".to_owned()),
    ];
    Ok(NextView {
        step: RESERVED.to_owned(),
        kind: "decision",
        by: if person::needed_for(pinned, state, RESERVED) { "person" } else { "anyone" },
        question: Some(format!("The workflow file is not the one that this run goes by: {}", shown(current))),
        ask: Some("Which one does this run go by?".to_owned()),
        details,
        options: options.into_iter().map(|(n, label, leads_to)| OptionView { n, label, leads_to }).collect(),
        findings: Vec::new(),
        command: command.to_owned(),
    })
}

fn shown(loaded: &Loaded) -> String {
    format!("workflows/{}.toml", loaded.workflow.name)
}

/// What a person signs who answers it.
#[must_use]
pub fn to_sign(state: &State, current: &Loaded, option: usize, reason: &str) -> String {
    person::to_sign(state, RESERVED, current.digest(), &format!("answer {option}"), reason)
}

/// Records what was said; the run goes by the changed file from now on, or is not asked about it again.
pub fn answer(
    pinned: &Loaded,
    current: &Loaded,
    folder: &RunFolder,
    state: &mut State,
    option: usize,
    word: &Word<'_>,
) -> Result<()> {
    if !is_open(state, current) {
        return Err(Failure::refused("the workflow file asks for no decision: it is as this run knows it")
            .hint(command(&state.workflow, "status"))
            .into());
    }
    if ![ADOPT, KEEP].contains(&option) {
        return Err(Failure::usage(format!("`{RESERVED}` has options 1 and 2, not {option}")).into());
    }
    if word.text.trim().is_empty() {
        return Err(Failure::usage("`--reason` is empty: the record needs a few words").into());
    }
    let adopted = option == ADOPT;
    if adopted {
        let words = format!("answer {RESERVED} {option} --reason TEXT");
        person::refuse(pinned, state, RESERVED, &words, word.witness.as_ref())?;
    }
    state.workflow_changes.push(WorkflowChange {
        digest: current.digest().to_owned(),
        adopted,
        reason: word.text.to_owned(),
        by: word.by.to_owned(),
        at: now(),
        witness: word.witness.clone(),
    });
    if adopted {
        // The text first: a state never names a workflow that is not there.
        folder.save_workflow(current.digest(), &current.text)?;
        current.digest().clone_into(&mut state.workflow_digest);
        state.workflow_text = digest::of(&current.text);
    }
    folder.save(state)
}
