//! Reading a workflow file: text → model → validated workflow with its variables filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::diagnostic::{self, Problem};
use super::model::{Phase, Step, Workflow};
use super::validate::{self, Catalogue};
use crate::digest;
use crate::failure::Failure;

/// A workflow that passed every check, with what the engine needs to find its way in it.
#[derive(Debug)]
pub struct Loaded {
    pub path: PathBuf,
    pub digest: String,
    pub workflow: Workflow,
}

/// The file of workflow `name` in a repo.
#[must_use]
pub fn path_of(root: &Path, name: &str) -> PathBuf {
    root.join("workflows").join(format!("{name}.toml"))
}

/// Errors: not there, not TOML, not a workflow; each as a `Failure` of kind usage that shows the line.
pub fn load(path: &Path, catalogue: &Catalogue) -> Result<Loaded> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::usage(format!("cannot read the workflow file `{}`: {error}", path.display()))
            .hint("a repo of your own needs a `workflows/db-change.toml`: copy the one of this project and adapt its `[vars]`")
    })?;
    parse(path, &text, catalogue)
}

pub fn parse(path: &Path, text: &str, catalogue: &Catalogue) -> Result<Loaded> {
    let mut workflow: Workflow = toml::from_str(text).map_err(|error| {
        let problem = Problem::of_toml(&error);
        diagnostic::failure(path, text, &[problem])
    })?;
    let problems = validate::problems(&workflow, catalogue);
    if !problems.is_empty() {
        return Err(diagnostic::failure(path, text, &problems).into());
    }
    fill_in(&mut workflow);
    let digest = digest::of(text);
    Ok(Loaded { path: path.to_owned(), digest, workflow })
}

impl Loaded {
    /// Phases with their steps, in the order of the file.
    pub fn steps(&self) -> impl Iterator<Item = (&Phase, &Step)> {
        self.workflow.phase.iter().flat_map(|phase| phase.step.iter().map(move |step| (phase, step)))
    }

    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps().map(|(_, step)| step).find(|step| step.id.get_ref() == id)
    }

    /// `{{name}}` filled in from the variables.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.workflow.vars.get(name).map(|value| value.get_ref().as_str())
    }

    /// Steps in an order in which every step comes after those that it needs; ties as in the file.
    #[must_use]
    pub fn in_order(&self) -> Vec<&Step> {
        let mut done: Vec<&str> = Vec::new();
        let mut order = Vec::new();
        let mut left: Vec<&Step> = self.steps().map(|(_, step)| step).collect();
        while !left.is_empty() {
            // Validation has refused cycles, so that one step is always ready.
            let ready =
                left.iter().position(|step| step.needs.iter().all(|need| done.contains(&need.get_ref().as_str())));
            let step = left.remove(ready.unwrap_or(0));
            done.push(step.id.get_ref());
            order.push(step);
        }
        order
    }

    /// The steps that `id` stands on, itself included.
    #[must_use]
    pub fn ancestors(&self, id: &str) -> Vec<String> {
        let mut found: Vec<String> = vec![id.to_owned()];
        let mut next = 0;
        while next < found.len() {
            if let Some(step) = self.step(&found[next]) {
                for need in &step.needs {
                    if !found.contains(need.get_ref()) {
                        found.push(need.get_ref().clone());
                    }
                }
            }
            next += 1;
        }
        found
    }
}

/// Replaces `{{name}}` by its value; what has no value stays as it is (captured values come later).
#[must_use]
pub fn expand(text: &str, values: &BTreeMap<String, String>) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

fn fill_in(workflow: &mut Workflow) {
    let vars: BTreeMap<String, String> =
        workflow.vars.iter().map(|(name, value)| (name.clone(), value.get_ref().clone())).collect();
    let fill = |text: &mut String| *text = expand(text, &vars);
    for step in workflow.phase.iter_mut().flat_map(|phase| phase.step.iter_mut()) {
        step.inputs.iter_mut().chain(&mut step.outputs).chain(step.cwd.as_mut()).for_each(fill);
        if let Some(run) = &mut step.run {
            run.get_mut().iter_mut().for_each(fill);
        }
        for precondition in &mut step.preconditions {
            let precondition = precondition.get_mut();
            [&mut precondition.path, &mut precondition.changed].into_iter().flatten().for_each(fill);
        }
        for value in step.with.values_mut() {
            fill_in_value(value, &vars);
        }
    }
}

fn fill_in_value(value: &mut toml::Value, vars: &BTreeMap<String, String>) {
    match value {
        toml::Value::String(text) => *text = expand(text, vars),
        toml::Value::Array(values) => values.iter_mut().for_each(|value| fill_in_value(value, vars)),
        toml::Value::Table(table) => table.iter_mut().for_each(|(_, value)| fill_in_value(value, vars)),
        _ => {}
    }
}

/// The digest of a step as the file defines it, for freshness: everything that decides what it does.
pub fn definition_digest(step: &Step) -> Result<String> {
    let with: BTreeMap<&str, String> =
        step.with.iter().map(|(name, value)| (name.get_ref().as_str(), value.to_string())).collect();
    let text = serde_json::to_string(&(
        step.uses.as_ref().map(|uses| uses.get_ref()),
        step.run.as_ref().map(|run| run.get_ref()),
        &with,
        (step.shell, &step.cwd, &step.env, &step.outputs),
        (step.expect == super::model::Expect::Fail, step.green_of.as_ref().map(|of| of.get_ref())),
    ))
    .context("describing a step")?;
    Ok(digest::of(text))
}
