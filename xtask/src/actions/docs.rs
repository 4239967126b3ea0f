//! `read-docs`: the database conventions are shown, and a person says once that they were read.

use std::fs;

use anyhow::{Context, Result};

use super::world::World;
use crate::digest;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::process::places;
use crate::repo::git;
use crate::state::{Evidence, Home, durable, seal};
use crate::workflow::Lane;

pub(super) fn read(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let mut documents = toml::Table::new();
    let mut lines = Vec::new();
    for name in context.list("documents") {
        let text = fs::read(world.root.join(&name)).map_err(|error| {
            Failure::step(format!("the document `{name}` cannot be read: {error}"))
                .hint("write it, or change `documents` of the step `read-docs` in the workflow file")
        })?;
        lines.push(format!("{name}   {} lines", text.split(|byte| *byte == b'\n').count()));
        documents.insert(name, digest::of(&text).into());
    }
    if documents.is_empty() {
        return Err(Failure::usage("the step `read-docs` names no document")
            .hint("list the conventions under `with = { documents = [\"…\"] }`")
            .into());
    }
    let digest = digest::of(documents.to_string());
    let evidence = Evidence::new(lines.join(", ")).proven("documents", documents);
    let person = git::person(&world.root);
    if let Some(word) = context.attestation().filter(|word| word.digest == digest) {
        // Whoever may say so of themselves is asked in every run.
        if word.witness.is_some() {
            remember(world, &word.by, &digest)?;
            remember(world, &person, &digest)?;
        }
        return Ok(Outcome::Passed(evidence.info("read_by", word.by.clone())));
    }
    if remembered(world, &person, &digest)? {
        return Ok(Outcome::Passed(evidence.info("read_by", person)));
    }
    if context.lane() == Some(Lane::Additive) {
        // Shown, not asked: a change that touches no data has nothing that the conventions could save.
        return Ok(Outcome::Passed(evidence));
    }
    Ok(Outcome::Attest {
        text: "Read the database conventions, once per person and version.".to_owned(),
        details: lines,
        digest,
        evidence,
    })
}

/// The memory of words that had a witness.
const NAME: &str = "read.toml";

fn record(world: &World<'_>) -> Result<std::path::PathBuf> {
    let folder = world.private()?;
    places::ensure(&folder, 0o700)?;
    Ok(folder.join(NAME))
}

/// Who has read which version, as far as a runner of this work tree wrote it and nobody edited it since.
fn known(world: &World<'_>) -> Result<toml::Table> {
    let sealed = fs::read_to_string(record(world)?).unwrap_or_default();
    let text = seal::unseal(Home::at(&world.root).path(), NAME, &sealed).unwrap_or_default();
    Ok(toml::from_str(text).unwrap_or_default())
}

fn remembered(world: &World<'_>, person: &str, digest: &str) -> Result<bool> {
    Ok(known(world)?.get(person).and_then(toml::Value::as_str) == Some(digest))
}

fn remember(world: &World<'_>, person: &str, digest: &str) -> Result<()> {
    let mut known = known(world)?;
    known.insert(person.to_owned(), digest.into());
    let text = toml::to_string(&known).context("describing who read what")?;
    let sealed = seal::seal(Home::at(&world.root).path(), NAME, &text)?;
    durable::write(&record(world)?, sealed.as_bytes())
}
