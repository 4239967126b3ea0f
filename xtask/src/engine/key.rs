//! The freshness key: everything whose change makes a passed step stale, kept part by part.
//!
//! Never time, attempt or anything measured: a step that is run again on the same input has the same key. The files of a
//! step are one part, the digest of their list; the list itself, and what small files held, is kept beside the state so that
//! a difference can be shown ([`super::difference`]).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::Host;
use super::files::{Digests, Seen};
use crate::digest;
use crate::state::{Home, State, seal};
use crate::workflow::condition;
use crate::workflow::load::{captured_names, definition};
use crate::workflow::{Loaded, Step, Tree};

pub type Key = BTreeMap<String, String>;

/// The part that stands for all input files.
pub const INPUTS: &str = "inputs";

/// What a key may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Tools are asked for their versions and databases for their state.
    Everything,
    /// Only what lies in files and in the state; nothing is started.
    Nothing,
}

/// The key of a step, with its files one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    other: Key,
    /// None where the step's inputs are those of the base commit.
    inputs: Option<Arc<Digests>>,
}

impl Parts {
    /// As it is kept in the state.
    #[must_use]
    pub fn key(&self) -> Key {
        let mut key = self.other.clone();
        if let Some(inputs) = self.inputs.as_ref().filter(|inputs| !inputs.files.is_empty()) {
            key.insert(INPUTS.to_owned(), inputs.digest().to_owned());
        }
        key
    }

    /// The patterns of inputs that match no file.
    #[must_use]
    pub fn unmatched(&self) -> &[String] {
        self.inputs.as_ref().map_or(&[], |inputs| &inputs.unmatched)
    }

    /// The files with their digests, a line each.
    #[must_use]
    pub fn list(&self) -> String {
        self.inputs.as_ref().map(|inputs| inputs.list()).unwrap_or_default()
    }

    pub fn inputs(&self) -> impl Iterator<Item = (&String, &String)> {
        self.inputs.iter().flat_map(|inputs| &inputs.files)
    }

    /// A key that was kept, with these files in the place of its own.
    pub(super) fn kept(key: &Key, inputs: Arc<Digests>) -> Parts {
        let mut other = key.clone();
        other.remove(INPUTS);
        Parts { other, inputs: Some(inputs) }
    }

    /// The same with the files as they are now.
    pub(super) fn read_again(mut self, step: &Step, root: &Path, host: &dyn Host) -> Result<Parts> {
        if self.inputs.is_some() {
            self.inputs = Some(Arc::new(Digests::of(&step.inputs, root, host)?));
        }
        Ok(self)
    }

    /// The key as the step found it. What it made itself counts as it left it; what anybody else changed meanwhile was not
    /// what it proved, and makes it stale on the next look.
    #[must_use]
    pub fn with_own(mut self, after: &Parts, own: &Digests) -> Parts {
        if let (Some(kept), Some(after)) = (&mut self.inputs, &after.inputs) {
            let theirs = kept.files.iter().filter(|(name, _)| !own.files.contains_key(*name));
            let made = after.files.iter().filter(|(name, _)| own.files.contains_key(*name));
            let all: BTreeMap<_, _> = theirs.chain(made).map(|(name, digest)| (name.clone(), digest.clone())).collect();
            *kept = Arc::new(all.into());
        }
        self
    }
}

/// Whether a part is known only by asking a program or a database.
#[must_use]
pub fn is_asked(part: &str) -> bool {
    part.starts_with("tool ") || part.starts_with("probe ")
}

/// The key of a step as things stand now.
pub fn of(
    step: &Step,
    loaded: &Loaded,
    state: &State,
    root: &Path,
    host: &dyn Host,
    ask: Ask,
    seen: &mut Seen,
) -> Result<Parts> {
    let mut key = Key::new();
    key.insert("definition".to_owned(), digest::of(definition(step)?));
    let red = step.green_of.as_ref().and_then(|red| loaded.step(red.get_ref()));
    if let Some(red) = red {
        key.insert("green of".to_owned(), digest::of(definition(red)?));
    }
    if let Some(settings) = step.uses.as_ref().and_then(|uses| host.settings(uses.get_ref())) {
        key.insert("settings".to_owned(), settings);
    }
    for need in &step.needs {
        let evidence = state.step.get(need.get_ref()).and_then(|need| need.evidence.clone());
        key.insert(format!("evidence of {}", need.get_ref()), evidence.unwrap_or_else(|| "none".to_owned()));
    }
    for name in values(step, red) {
        let value = state.captured.get(&name).map_or_else(|| "none".to_owned(), digest::of);
        key.insert(format!("value {name}"), value);
    }
    let mut inputs = None;
    if step.tree == Tree::Base {
        key.insert("base commit".to_owned(), state.base.clone());
    } else {
        inputs = Some(seen.digests(&step.inputs, root, host)?);
    }
    for name in step.env.iter().chain(red.iter().flat_map(|red| &red.env)) {
        key.insert(format!("env {name}"), keyed_digest(root, host.env(name).as_deref().unwrap_or_default())?);
    }
    if ask == Ask::Everything {
        for precondition in &step.preconditions {
            if let Some(tool) = &precondition.get_ref().tool {
                key.insert(format!("tool {tool}"), host.tool(tool)?.1);
            }
        }
        for probe in &step.probes {
            key.insert(format!("probe {}", probe.get_ref()), host.probe(probe.get_ref())?);
        }
    }
    Ok(Parts { other: key, inputs })
}

/// The captured values that stand in a step's command or decide whether it runs.
fn values(step: &Step, red: Option<&Step>) -> Vec<String> {
    let commands = [step.run.as_ref(), red.and_then(|red| red.run.as_ref())].into_iter().flatten();
    let texts = commands.flat_map(|run| run.get_ref());
    let mut names: Vec<String> = texts.flat_map(|text| captured_names(text)).map(str::to_owned).collect();
    let when = step.when.as_ref().and_then(|when| condition::parse(when.get_ref()));
    names.extend(when.map(|when| when.name));
    names
}

/// The files that a step says it writes: name → digest.
pub fn outputs(step: &Step, root: &Path, host: &dyn Host) -> Result<Digests> {
    Digests::of(&step.outputs, root, host)
}

/// A digest that tells nothing about the value to someone who has only the state.
fn keyed_digest(root: &Path, value: &str) -> Result<String> {
    Ok(seal::keyed(&seal::key(Home::at(root).path())?, &[value.as_bytes()]))
}
