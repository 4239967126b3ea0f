//! `checklist`: the seed's ten items. Seven are read from evidence, three are a person's word.

use anyhow::Result;

use super::change::Change;
use super::world::World;
use crate::digest;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::state::{Evidence, Status};
use crate::workflow::Lane;

/// An item and the steps that prove it.
const FROM_EVIDENCE: &[(&str, &[&str])] = &[
    ("Schema tests pass", &["schema-test-green"]),
    ("Migration tested locally", &["rehearse", "apply"]),
    ("Rollback plan created and tested", &["rollback-write", "rollback-prove"]),
    ("API tests pass with new schema", &["api-tests"]),
    ("Type checking passes", &["typecheck"]),
    ("Performance impact assessed", &["measure"]),
    ("Database backup created", &["backup"]),
];

pub(super) fn checklist(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let mut items = toml::Table::new();
    let mut missing = Vec::new();
    for (item, steps) in FROM_EVIDENCE {
        let off = steps.iter().find_map(|step| Some(world.loaded.step(step)?.off.as_ref()?.get_ref().clone()));
        let open: Vec<&str> = steps.iter().copied().filter(|step| !proven(context, step)).collect();
        let word = match (off, open.is_empty()) {
            (Some(reason), _) => format!("not here: {reason}"),
            (None, true) => "proven".to_owned(),
            (None, false) => "missing".to_owned(),
        };
        if word == "missing" {
            missing.push(format!("{item}: {}", open.join(", ")));
        }
        items.insert((*item).to_owned(), word.into());
    }
    if !missing.is_empty() {
        return Err(Failure::step("the checklist has items without proof").detail(missing.join("\n")).into());
    }
    let mut said = vec!["Monitoring alerts configured", "Team notified of changes"];
    if super::impact::is_breaking(context) {
        said.insert(0, "Breaking changes communicated");
    }
    let digest = digest::of(format!("{} {}", change.in_words(), said.join(",")));
    let evidence = |word: &str| {
        let mut items = items.clone();
        for item in &said {
            items.insert((*item).to_owned(), word.into());
        }
        let proven = items.values().filter(|item| item.as_str() == Some("proven")).count();
        let absent = match FROM_EVIDENCE.len() - proven {
            0 => String::new(),
            absent => format!("{absent} not here, "),
        };
        Evidence::new(format!("{proven} of {} items proven, {absent}the rest {word}", FROM_EVIDENCE.len() + said.len()))
            .proven("items", items)
    };
    if context.lane() == Some(Lane::Additive) {
        return Ok(Outcome::Passed(evidence("left to the deployment")));
    }
    if context.attestation().is_some_and(|word| word.digest == digest) {
        return Ok(Outcome::Passed(evidence("attested")));
    }
    Ok(Outcome::Attest {
        text: "Before deploying to production, these need your word:".to_owned(),
        details: said.iter().map(|item| format!("[ ] {item}")).collect(),
        digest,
        evidence: evidence("open"),
    })
}

/// Passed, or skipped by the lane for a reason that the run keeps.
fn proven(context: &StepContext<'_>, step: &str) -> bool {
    let lane_skips = context.lane() == Some(Lane::Additive);
    context
        .state
        .step
        .get(step)
        .is_some_and(|state| state.status == Status::Passed || (lane_skips && state.status == Status::Skipped))
}
