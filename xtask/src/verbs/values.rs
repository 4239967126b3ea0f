//! `logs STEP --show-values`: the values over which the rehearsal failed.
//!
//! Invariant: they go to the person at the terminal and nowhere else. They are read anew, in a read-only transaction, from a
//! source whose data is not declared personal; nothing of them is kept.

use std::io::{IsTerminal, stdout};

use anyhow::{Context, Result};

use super::open::Repo;
use crate::actions::rehearse::RECORD;
use crate::actions::world::World;
use crate::failure::Failure;
use crate::pg::at_fault::{self, AtFault};
use crate::pg::error::Told;
use crate::report::terminal::data;
use crate::state::{RunFolder, State};
use crate::workflow::Loaded;
use crate::workflow::model::DataClass;

const MOST: usize = 20;

pub(super) fn show(repo: &Repo, step: &str, folder: RunFolder, state: &State, loaded: &Loaded) -> Result<u8> {
    if !stdout().is_terminal() {
        return Err(Failure::refused("values are shown at a terminal only: what is read from here may be kept")
            .hint(format!("type it yourself: cargo xtask db-change logs {step} --show-values"))
            .into());
    }
    let record = folder.record(RECORD)?.filter(|text| !text.is_empty());
    let is_rehearsal =
        loaded.step(step).is_some_and(|step| step.uses.as_ref().is_some_and(|uses| uses.get_ref() == "rehearse"));
    let Some(text) = record.filter(|_| is_rehearsal) else {
        return Err(Failure::usage(format!("`{step}` has found no rows at fault"))
            .hint("where the migration fails on its data, its rehearsal counts them")
            .into());
    };
    let found: AtFault = toml::from_str(&text).with_context(|| format!("reading `{RECORD}`"))?;
    let world = World::new(&repo.root, loaded, folder, &state.base);
    let source = world.source_name();
    if world.target(source)?.data == Some(DataClass::Personal) {
        return Err(Failure::refused(format!("the data of `{source}` is personal, and its values are never shown"))
            .hint(format!("what is known without them: cargo xtask db-change why {step}"))
            .into());
    }
    let mut client = world.read_source()?;
    client.batch_execute("BEGIN READ ONLY").told("opening a transaction that reads only")?;
    let read = at_fault::read(&mut client, &found.values, MOST);
    drop(client);
    let (values, more) = read.map_err(|error| {
        Failure::step(format!("the values cannot be read from `{source}` as it is now"))
            .detail(format!("{error:#}"))
            .hint("the migration itself may make what they are read by; then only a copy has them")
    })?;
    data(&format!("{found}; {} on `{source}` now:\n", found.values.what));
    for value in &values {
        // What a value holds must not steer the terminal.
        data(&format!("  {}\n", value.escape_debug()));
    }
    if more {
        data(&format!("  … and more: the first {MOST} are shown\n"));
    } else if values.is_empty() {
        data("  none any more\n");
    }
    Ok(0)
}
