//! `workflow check`: everything that is wrong with a workflow file, before anything runs.

use anyhow::Result;

use super::open;
use crate::cli::{DB_CHANGE, WorkflowVerb};
use crate::report::terminal::data;
use crate::workflow::schema;

pub(super) fn run(verb: &WorkflowVerb) -> Result<u8> {
    let WorkflowVerb::Check { name } = verb else {
        data(&schema::text()?);
        return Ok(0);
    };
    let name = name.as_deref().unwrap_or(DB_CHANGE);
    let loaded = open::current(&open::repo(name)?.root, name)?;
    let steps = loaded.steps().count();
    data(&format!("workflows/{name}.toml: {} phases, {steps} steps, no problem\n", loaded.workflow.phase.len()));
    Ok(0)
}
