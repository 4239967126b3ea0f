//! Whose word opens a gate. Where the workflow says `by = "person"`, the run's own or that of the base commit, a word counts
//! only with a witness: someone was at a terminal, or it is signed by a key that the base commit allows.

use serde_json::json;

use crate::failure::Failure;
use crate::state::State;
use crate::state::model::Witness;
use crate::workflow::model::By;
use crate::workflow::validate::RESERVED;
use crate::workflow::{Loaded, Step, command};

/// Stands in a state for every step: what the base commit asks for cannot be read, or it is not in the branch's history.
pub const ALL: &str = "*";

/// Whether only a person's word opens this step's gate.
#[must_use]
pub fn needed(step: &Step, state: &State) -> bool {
    marked(step) || asked_by_base(state, step.id.get_ref())
}

/// As [`needed`], for what is asked under a name; what may change the rules is asked of whom they name.
#[must_use]
pub fn needed_for(loaded: &Loaded, state: &State, id: &str) -> bool {
    if id == RESERVED {
        return !state.by_person.is_empty() || loaded.steps().any(|(_, step)| marked(step));
    }
    loaded.step(id).map_or_else(|| asked_by_base(state, id), |step| needed(step, state))
}

/// The steps of a workflow whose gates only a person opens.
#[must_use]
pub fn steps_of(loaded: &Loaded) -> Vec<String> {
    loaded.steps().map(|(_, step)| step).filter(|step| marked(step)).map(|step| step.id.get_ref().clone()).collect()
}

fn marked(step: &Step) -> bool {
    step.by == By::Person || step.decision.as_ref().is_some_and(|decision| decision.by == By::Person)
}

fn asked_by_base(state: &State, id: &str) -> bool {
    state.by_person.iter().any(|name| name == id || name == ALL)
}

/// Whether a word with this witness counts at this step.
#[must_use]
pub fn counts(step: &Step, state: &State, witness: Option<&Witness>) -> bool {
    witness.is_some() || !needed(step, state)
}

/// What is said, as far as a signature binds it: everything that decides what it opens.
#[must_use]
pub fn to_sign(state: &State, step: &str, about: &str, word: &str, text: &str) -> String {
    let said = json!({
        "run": state.run, "nonce": state.nonce, "branch": state.branch, "base": state.base,
        "workflow": state.workflow_digest, "step": step, "about": about, "word": word, "text": text,
    });
    format!("db-change\n{said:#}\n")
}

/// A word that needs a witness and has none.
pub fn refuse(
    loaded: &Loaded,
    state: &State,
    step: &str,
    words: &str,
    witness: Option<&Witness>,
) -> Result<(), Failure> {
    if witness.is_some() || !needed_for(loaded, state, step) {
        return Ok(());
    }
    let typed = command(&loaded.workflow.name, words);
    Err(Failure::refused(format!("`{step}` is opened by a person's word, and nobody is at a terminal here"))
        .detail(why(state))
        .hint(format!("at a terminal: {typed}"))
        .hint(format!("or signed with a key that is allowed there: {typed} --sign KEYFILE"))
        .hint("or sign elsewhere what `--to-sign` prints, and give it back with `--signature FILE`"))
}

fn why(state: &State) -> String {
    match state.by_person.iter().any(|name| name == ALL) {
        true => "every gate is a person's here: what the base commit asks for cannot be relied on".to_owned(),
        false => format!("the workflow says so: `by = \"person\"` (signers: {}, at the base commit)", state.signers),
    }
}
