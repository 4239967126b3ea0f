//! Edits while a run is at work: what passed is looked at again before anything stands on it, and inputs that were put back
//! after a step had seen others have not been proven.
//!
//! Not seen: a file that is there only while the step is at work, and a whole folder that is moved away and back.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::difference::{self, Change};
use super::files::{self, Seen};
use super::key::Parts;
use super::runner::{Engine, Next, in_short};
use super::{Outcome, hidden};
use crate::failure::Failure;
use crate::state::Status;
use crate::state::stat_cache::Stamp;
use crate::workflow::{Step, Tree};

/// How often each step was found to stand on other files than it had passed on, in one run. Once it runs again; a file that
/// is written each time would make it run for ever.
#[derive(Debug, Default)]
pub(super) struct Edits(BTreeMap<String, usize>);

/// What the file system says of a step's inputs, without those that it writes itself.
#[derive(Debug, Default)]
pub(super) struct Stamps(BTreeMap<String, Vec<Stamp>>);

impl Stamps {
    pub(super) fn of(step: &Step, root: &Path) -> Result<Stamps> {
        let mut found = BTreeMap::new();
        if step.tree == Tree::Work {
            for pattern in &step.inputs {
                found.extend(files::names(root, pattern)?.into_iter().map(|name| (name, Vec::new())));
            }
            for pattern in &step.outputs {
                for name in files::names(root, pattern)? {
                    found.remove(&name);
                }
            }
        }
        for (name, stamps) in &mut found {
            let path = root.join(name);
            // Of a link, what it is and what it leads to.
            let link = path.symlink_metadata().ok();
            let file = link.as_ref().filter(|link| link.is_symlink()).and_then(|_| path.metadata().ok());
            stamps.extend(link.iter().chain(&file).map(Stamp::of));
        }
        Ok(Stamps(found))
    }

    /// The files that are in both and were written or replaced in between.
    fn touched<'a>(&'a self, after: &'a Stamps) -> impl Iterator<Item = &'a String> {
        self.0
            .iter()
            .filter(|(name, stamps)| after.0.get(*name).is_some_and(|now| now != *stamps))
            .map(|(name, _)| name)
    }
}

impl Engine<'_> {
    /// Of these steps, those that passed on other files than are there now: stale, and what comes of it.
    pub(super) fn edited<'s>(
        &mut self,
        steps: impl Iterator<Item = (usize, &'s Step)>,
        edits: &mut Edits,
    ) -> Result<Vec<(usize, &'s Step, Next)>> {
        let (mut seen, mut found) = (Seen::default(), Vec::new());
        for (position, step) in steps.filter(|(_, step)| step.tree == Tree::Work && !step.inputs.is_empty()) {
            let id = step.id.get_ref();
            let passed = |status| matches!(status, Status::Passed | Status::Skipped);
            let Some(present) = self.state.step.get(id).filter(|present| passed(present.status)) else { continue };
            // Left out by the lane or a condition, whatever is in its files.
            if present.key.is_empty() {
                continue;
            }
            let now = match seen.digests(&step.inputs, self.root, self.host) {
                Ok(inputs) => Parts::kept(&present.key, inputs),
                Err(error) => {
                    found.push((position, step, Next::Hold(hidden::failure(&error, &self.host.mask()))));
                    continue;
                }
            };
            if now.key() == present.key {
                continue;
            }
            let changes = difference::between(&present.key, &now, &self.kept());
            self.stale(id, &in_short(&changes))?;
            let count = edits.0.entry(id.clone()).or_default();
            *count += 1;
            let next = if *count > 1 { Next::Hold(restless(id, &changes)) } else { Next::Again };
            found.push((position, step, next));
        }
        Ok(found)
    }

    /// What a step saw while its inputs were others is not known, though they are as they were.
    pub(super) fn unswapped(&self, step: &Step, parts: &Parts, before: &Stamps, outcome: Outcome) -> Result<Outcome> {
        if matches!(outcome, Outcome::Edit { .. } | Outcome::Outdated { .. }) {
            return Ok(outcome);
        }
        let after = Stamps::of(step, self.root)?;
        let as_it_was = |name: &&String| {
            let then = parts.inputs().find(|(input, _)| input == name);
            then.is_some_and(|(_, digest)| files::digest(self.root, name, self.host).is_ok_and(|now| now == *digest))
        };
        let swapped: Vec<String> = before.touched(&after).filter(as_it_was).map(|name| format!("`{name}`")).collect();
        if swapped.is_empty() {
            return Ok(outcome);
        }
        const MOST: usize = 3;
        let more = swapped.len().saturating_sub(MOST);
        let names = swapped[..swapped.len() - more].join(", ")
            + &if more > 0 { format!(" and {more} more") } else { String::new() };
        Err(Failure::step(format!("its inputs changed while it was at work: {names}"))
            .detail("they hold what they held before, and what the step saw in between is not known")
            .hint("run it again, and leave its inputs alone meanwhile")
            .hint("a file that the step writes itself belongs in its `outputs`")
            .into())
    }
}

fn restless(id: &str, changes: &[Change]) -> Failure {
    let failure = Failure::step(format!("the inputs of `{id}` change while the run is at work"));
    changes
        .iter()
        .take(8)
        .fold(failure, |failure, change| failure.detail(change.words()))
        .hint("see which step writes them, or leave them alone until the run has come to its end")
        .hint("a step that writes what an earlier one reads belongs before it")
}
