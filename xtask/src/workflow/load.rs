//! Reading a workflow file: text → model → validated workflow with its variables filled in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};
use serde::Deserialize;
use toml::Spanned;

use super::diagnostic::{self, Problem};
use super::model::{Phase, Step, Workflow};
use super::validate::{self, Catalogue};
use crate::digest;
use crate::failure::Failure;

/// A workflow that passed every check, with what the engine needs to find its way in it.
#[derive(Debug)]
pub struct Loaded {
    pub path: PathBuf,
    /// As the file stands on disk.
    pub text: String,
    pub workflow: Workflow,
    digest: OnceLock<String>,
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
            .hint(if error.kind() == std::io::ErrorKind::NotFound {
                "a repo of your own needs a `workflows/db-change.toml`: `cargo xtask init DIR` in a clone of this project writes it"
            } else {
                "it has to be a file of text (UTF-8) that you may read"
            })
    })?;
    parse(path, &text, catalogue)
}

pub fn parse(path: &Path, text: &str, catalogue: &Catalogue) -> Result<Loaded> {
    let mut workflow: Workflow = toml::from_str(text).map_err(|error| {
        // A file of a newer format is told so, and not that its new fields are unknown.
        let newer = toml::from_str::<Version>(text).ok().and_then(|version| validate::version(&version.schema));
        let problem = newer.unwrap_or_else(|| Problem::of_toml(&error));
        diagnostic::failure(path, text, &[problem])
    })?;
    let mut problems = validate::problems(&workflow, catalogue);
    // Runs are found by the workflow's name, and people name its file.
    if path.file_stem().is_some_and(|stem| stem != workflow.name.as_str()) {
        problems.push(Problem {
            span: None,
            message: format!(
                "the workflow is called `{}`, and its file `{}`",
                workflow.name,
                path.file_name().unwrap_or_default().display()
            ),
            label: String::new(),
            help: Some("give both the same name".to_owned()),
        });
    }
    if !problems.is_empty() {
        return Err(diagnostic::failure(path, text, &problems).into());
    }
    fill_in(&mut workflow);
    Ok(Loaded { path: path.to_owned(), text: text.to_owned(), workflow, digest: OnceLock::new() })
}

#[derive(Deserialize)]
struct Version {
    schema: Spanned<String>,
}

impl Loaded {
    /// Of what the file says; comments and layout do not count.
    #[must_use]
    pub fn digest(&self) -> &str {
        // The text was read as a workflow before, so that it is a table.
        let said =
            || toml::from_str(&self.text).map_or_else(|_| self.text.clone(), |said: toml::Table| said.to_string());
        self.digest.get_or_init(|| digest::of(said()))
    }

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

    /// The steps that either file has and the other has otherwise or not at all.
    pub fn differing(&self, other: &Loaded) -> Result<Vec<String>> {
        let (here, there) = (by_id(&self.text)?, by_id(&other.text)?);
        let ids = here.iter().chain(there.iter().filter(|(id, _)| !here.contains_key(*id))).map(|(id, _)| id);
        Ok(ids.filter(|id| here.get(*id) != there.get(*id)).cloned().collect())
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

/// Each step's own table.
fn by_id(text: &str) -> Result<BTreeMap<String, toml::Value>> {
    let said: toml::Table = toml::from_str(text).context("reading a workflow once more")?;
    let lists = |value: Option<&toml::Value>| value.and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let steps = lists(said.get("phase")).into_iter().flat_map(|phase| lists(phase.get("step")));
    Ok(steps.filter_map(|step| Some((step.get("id")?.as_str()?.to_owned(), step))).collect())
}

/// Replaces `{{name}}` by its value; what has no value stays as it is (captured values come later), and so does what a
/// value says.
#[must_use]
pub fn expand(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let known = from[2..].find("}}").and_then(|end| Some((values.get(&from[2..2 + end])?, end + 4)));
        let (put, taken) = known.map_or(("{{", 2), |(value, taken)| (value.as_str(), taken));
        out.push_str(put);
        rest = &from[taken..];
    }
    out + rest
}

/// Variables are replaced by their values, and a green step needs its red one.
fn fill_in(workflow: &mut Workflow) {
    let vars: BTreeMap<String, String> =
        workflow.vars.iter().map(|(name, value)| (name.clone(), value.get_ref().clone())).collect();
    let fill = |text: &mut String| *text = expand(text, &vars);
    for step in workflow.phase.iter_mut().flat_map(|phase| phase.step.iter_mut()) {
        step.inputs.iter_mut().chain(&mut step.outputs).chain(step.cwd.as_mut()).for_each(fill);
        if let Some(run) = &mut step.run {
            run.get_mut().iter_mut().for_each(fill);
        }
        if let Some(red) = &step.green_of
            && step.needs.iter().all(|need| need.get_ref() != red.get_ref())
        {
            step.needs.push(red.clone());
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

/// A step as the file defines it, for freshness: everything that decides what it does, a line each.
pub fn definition(step: &Step) -> Result<String> {
    let with: BTreeMap<&str, String> =
        step.with.iter().map(|(name, value)| (name.get_ref().as_str(), value.to_string())).collect();
    let captures: BTreeMap<&str, (String, &str)> = step
        .capture
        .iter()
        .map(|(name, capture)| (name.as_str(), (format!("{:?}", capture.from), capture.select.get_ref().as_str())))
        .collect();
    let because = step.because.as_ref();
    let parts = [
        ("uses", json(&step.uses.as_ref().map(Spanned::get_ref))?),
        ("run", json(&step.run.as_ref().map(Spanned::get_ref))?),
        ("with", json(&with)?),
        ("shell", json(&step.shell)?),
        ("cwd", json(&step.cwd)?),
        ("env", json(&step.env)?),
        ("outputs", json(&step.outputs)?),
        ("expect fail", json(&(step.expect == super::model::Expect::Fail))?),
        ("green of", json(&step.green_of.as_ref().map(Spanned::get_ref))?),
        ("because exit", json(&because.map(|because| &because.exit))?),
        ("because matches", json(&because.and_then(|because| because.matches.as_ref()).map(Spanned::get_ref))?),
        ("capture", json(&captures)?),
        ("decision", json(&step.decision)?),
    ];
    let mut text: String = parts.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    // What came later is left out where it is not written: a run that began before it stays as fresh as it was.
    if let Some(off) = &step.off {
        text.push_str(&format!("off = {}\n", json(off.get_ref())?));
    }
    Ok(text)
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).context("describing a step")
}

/// `step.value` of each `{{step.value}}`.
pub fn captured_names(text: &str) -> impl Iterator<Item = &str> {
    let names = text.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0));
    names.filter(|name| {
        let part = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        name.split_once('.').is_some_and(|(step, value)| part(step) && part(value))
    })
}
