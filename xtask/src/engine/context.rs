//! What an action sees of its run: its parameters, earlier evidence, answers, and a line to the display.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

use super::{Display, Event, person};
use crate::failure::Failure;
use crate::process::Log;
use crate::state::model::{Acceptance, Answer, Attestation};
use crate::state::{Evidence, RunFolder, State, Status};
use crate::workflow::{Lane, Step};

/// One execution of one step.
pub struct StepContext<'a> {
    pub step: &'a Step,
    pub state: &'a State,
    pub folder: &'a RunFolder,
    /// Where the lines of this execution's commands go.
    pub log: Log,
    pub display: &'a dyn Display,
    pub timeout: Duration,
    /// Set by an action that knows how much process the change needs.
    pub lane: Mutex<Option<(Lane, String)>>,
}

impl StepContext<'_> {
    #[must_use]
    pub fn id(&self) -> &str {
        self.step.id.get_ref()
    }

    /// Says what the step is about to do, before anything that takes time.
    pub fn say(&self, text: &str) {
        self.display.event(&Event::Doing { step: self.id(), text });
    }

    /// Says what stays on the display.
    pub fn note(&self, text: &str) {
        self.display.event(&Event::Note { step: self.id(), text });
    }

    /// A parameter of the action as text.
    #[must_use]
    pub fn with(&self, name: &str) -> Option<&str> {
        self.value(name).and_then(toml::Value::as_str)
    }

    #[must_use]
    pub fn value(&self, name: &str) -> Option<&toml::Value> {
        self.step.with.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
    }

    /// A parameter that the action cannot do without.
    pub fn required(&self, name: &str) -> Result<&str> {
        self.with(name).ok_or_else(|| {
            Failure::usage(format!("step `{}` needs the parameter `{name}`", self.id()))
                .hint(format!("write `with = {{ {name} = \"…\" }}` in the workflow file"))
                .into()
        })
    }

    /// A list of texts; one text counts as a list of one.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            Some(toml::Value::String(text)) => vec![text.clone()],
            Some(toml::Value::Array(values)) => {
                values.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect()
            }
            _ => Vec::new(),
        }
    }

    #[must_use]
    pub fn passed(&self, step: &str) -> bool {
        self.state.step.get(step).is_some_and(|state| state.status == Status::Passed)
    }

    pub fn evidence(&self, step: &str) -> Result<Evidence> {
        self.folder.evidence(step)
    }

    /// One proven value of an earlier step, as a type.
    pub fn proven<T: DeserializeOwned>(&self, step: &str, name: &str) -> Result<T> {
        let evidence = self.evidence(step)?;
        let value = evidence.proven.get(name).or_else(|| evidence.info.get(name));
        let value = value.with_context(|| format!("the evidence of `{step}` has no `{name}`"))?;
        value.clone().try_into().with_context(|| format!("reading `{name}` from the evidence of `{step}`"))
    }

    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.state.step.get(self.id())?.answer.as_ref()
    }

    #[must_use]
    pub fn answer_of(&self, step: &str) -> Option<&Answer> {
        self.state.step.get(step)?.answer.as_ref()
    }

    /// The word that was said for this step, by whom it asks for.
    #[must_use]
    pub fn attestation(&self) -> Option<&Attestation> {
        let said = self.state.step.get(self.id())?.attestation.as_ref()?;
        person::counts(self.step, self.state, said.witness.as_ref()).then_some(said)
    }

    /// What was accepted, by whom this step asks for.
    #[must_use]
    pub fn accepted(&self) -> Vec<&Acceptance> {
        let said = self.state.step.get(self.id()).map_or(&[] as &[Acceptance], |state| &state.accepted);
        said.iter().filter(|word| person::counts(self.step, self.state, word.witness.as_ref())).collect()
    }

    pub fn set_lane(&self, lane: Lane, reason: impl Into<String>) {
        if let Ok(mut slot) = self.lane.lock() {
            *slot = Some((lane, reason.into()));
        }
    }

    #[must_use]
    pub fn lane(&self) -> Option<Lane> {
        self.state.lane
    }

    /// A file in the run's own folder.
    #[must_use]
    pub fn kept(&self, name: &str) -> PathBuf {
        self.folder.kept(name)
    }

    /// For one of several commands of this step.
    #[must_use]
    pub fn log_of(&self, what: &str) -> Log {
        self.log.of(what)
    }
}
