//! `workflow check`: everything that is wrong with a workflow file, before anything runs.

use anyhow::Result;

use super::open;
use crate::actions;
use crate::cli::WorkflowVerb;
use crate::report::terminal::data;
use crate::workflow::{self, load, schema};

pub(super) fn run(verb: &WorkflowVerb) -> Result<u8> {
    let WorkflowVerb::Check { name } = verb else {
        data(&schema::text()?);
        return Ok(0);
    };
    let root = open::repo()?.root;
    let name = name.as_deref().unwrap_or("db-change");
    let loaded = workflow::load(&load::path_of(&root, name), &actions::catalogue())?;
    let steps = loaded.steps().count();
    data(&format!("workflows/{name}.toml: {} phases, {steps} steps, no problem\n", loaded.workflow.phase.len()));
    Ok(0)
}
