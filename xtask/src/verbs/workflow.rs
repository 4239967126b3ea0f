//! `workflow check`: everything that is wrong with a workflow file, before anything runs. `graph`, `schema`: it shown.

use anyhow::Result;

use super::open;
use crate::cli::{DB_CHANGE, WorkflowVerb};
use crate::report::terminal::data;
use crate::workflow::{Loaded, graph, schema};

pub(super) fn run(verb: &WorkflowVerb) -> Result<u8> {
    data(&match verb {
        WorkflowVerb::Check { name } => {
            let loaded = named(name.as_deref())?;
            let (phases, steps) = (loaded.workflow.phase.len(), loaded.steps().count());
            format!("workflows/{}.toml: {phases} phases, {steps} steps, no problem\n", loaded.workflow.name)
        }
        WorkflowVerb::Graph { name } => graph::mermaid(&named(name.as_deref())?),
        WorkflowVerb::Schema => schema::text()?,
    });
    Ok(0)
}

fn named(name: Option<&str>) -> Result<Loaded> {
    let name = name.unwrap_or(DB_CHANGE);
    open::current(&open::repo(name)?.root, name)
}
