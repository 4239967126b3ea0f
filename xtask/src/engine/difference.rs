//! What changed since a step passed: the parts in words, and what each held then and holds now, line by line.

use std::collections::BTreeMap;
use std::path::Path;

use similar::TextDiff;

use super::Host;
use super::key::{INPUTS, Key, Parts};
use crate::state::Evidence;
use crate::state::contents::{Contents, LONGEST};
use crate::workflow::load::definition;
use crate::workflow::{Loaded, Step};

/// Files of one step of which the content is kept; beyond that only their digests are.
const MOST: usize = 500;

/// One part that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// `input packages/db/src/schema/users.ts`
    pub part: String,
    /// `changed`, `is new`, `is gone`.
    pub how: &'static str,
    before: Option<String>,
    now: Option<String>,
}

impl Change {
    /// `input b.txt changed (1f0c… → 77ab…)`
    #[must_use]
    pub fn words(&self) -> String {
        self.told(|value| format!("{}…", &value[..8]).into())
    }

    /// The same without digests, which say nothing in a line about several parts.
    #[must_use]
    pub fn brief(&self) -> String {
        self.told(|_| None)
    }

    fn told(&self, digest: impl Fn(&str) -> Option<String>) -> String {
        let shown = |value: &Option<String>| match value.as_deref() {
            Some(value) if value.len() > 20 && value.is_ascii() => digest(value),
            Some(value) if value.chars().count() <= 20 => Some(value.to_owned()),
            _ => None,
        };
        match (shown(&self.before), shown(&self.now)) {
            (Some(before), Some(now)) => format!("{} {} ({before} → {now})", self.part, self.how),
            _ => format!("{} {}", self.part, self.how),
        }
    }
}

/// The parts that differ.
#[must_use]
pub fn between(before: &Key, now: &Parts, kept: &Contents) -> Vec<Change> {
    let key = now.key();
    let mut changes = of_maps(before, &key, "");
    let Some(place) = changes.iter().position(|change| change.part == INPUTS) else { return changes };
    // Where the list of that time is known, the files are named one by one.
    let before = match before.get(INPUTS) {
        None => Some(Key::new()),
        Some(digest) => kept.get(digest).map(|text| listed(&text)),
    };
    if let Some(before) = before {
        let now: Key = now.inputs().map(|(name, digest)| (name.clone(), digest.clone())).collect();
        changes.splice(place..=place, of_maps(&before, &now, "input "));
    }
    changes
}

fn of_maps(before: &Key, now: &Key, prefix: &str) -> Vec<Change> {
    let change = |name: &String, how, before: Option<&String>, now: Option<&String>| Change {
        part: format!("{prefix}{name}"),
        how,
        before: before.cloned(),
        now: now.cloned(),
    };
    let mut changes: Vec<Change> = now
        .iter()
        .filter_map(|(name, value)| match before.get(name) {
            None => Some(change(name, "is new", None, Some(value))),
            Some(old) if old != value => Some(change(name, "changed", Some(old), Some(value))),
            Some(_) => None,
        })
        .collect();
    changes.extend(
        before
            .iter()
            .filter(|(name, _)| !now.contains_key(*name))
            .map(|(name, value)| change(name, "is gone", Some(value), None)),
    );
    changes
}

fn listed(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
        .collect()
}

/// Keeps what the parts of a key stand for.
pub fn keep(step: &Step, loaded: &Loaded, parts: &Parts, root: &Path, host: &dyn Host, kept: &Contents) {
    let key = parts.key();
    let mask = host.mask();
    let put = |digest: &str, text: &dyn Fn() -> Option<String>| {
        if !kept.has(digest)
            && let Some(text) = text()
        {
            kept.put(digest, &mask.apply(&text));
        }
    };
    for (part, digest) in &key {
        match part.as_str() {
            INPUTS => kept.put(digest, &parts.list()),
            _ => put(digest, &|| text_of(part, step, loaded, host)),
        }
    }
    if parts.inputs().count() <= MOST {
        for (name, digest) in parts.inputs() {
            let path = root.join(name);
            let text =
                || std::fs::read_to_string(&path).ok().filter(|_| host.digest(&path).ok().as_ref() == Some(digest));
            if std::fs::metadata(&path).is_ok_and(|found| found.len() <= LONGEST) {
                put(digest, &text);
            }
        }
    }
}

/// What a part that is no file stands for now, where that is a text.
fn text_of(part: &str, step: &Step, loaded: &Loaded, host: &dyn Host) -> Option<String> {
    match part {
        "definition" => definition(step).ok(),
        "green of" => definition(loaded.step(step.green_of.as_ref()?.get_ref())?).ok(),
        _ => host.probe_text(part.strip_prefix("probe ")?),
    }
}

/// Keeps what a step proved under the digest that its dependents carry.
pub fn keep_proof(proof: &str, evidence: &Evidence, option: Option<usize>, kept: &Contents) {
    if !kept.has(proof) {
        let chosen = option.map(|option| format!("chosen option = {option}\n")).unwrap_or_default();
        kept.put(proof, &format!("{}{chosen}", toml::to_string(&evidence.proven).unwrap_or_default()));
    }
}

/// The lines of one change: what was there then and what is there now. Empty where either is not known as a text.
#[must_use]
pub fn lines(
    change: &Change,
    step: &Step,
    loaded: &Loaded,
    root: &Path,
    host: &dyn Host,
    kept: &Contents,
) -> Vec<String> {
    let before = match &change.before {
        Some(digest) => kept.get(digest),
        None => Some(String::new()),
    };
    let now = match (&change.now, change.part.strip_prefix("input ")) {
        (None, _) => Some(String::new()),
        (Some(_), Some(name)) => std::fs::read_to_string(root.join(name)).ok().map(|text| host.mask().apply(&text)),
        (Some(digest), None) if change.part.starts_with("evidence of ") => kept.get(digest),
        (Some(_), None) => text_of(&change.part, step, loaded, host),
    };
    let (Some(before), Some(now)) = (before, now) else { return Vec::new() };
    let difference = TextDiff::from_lines(&before, &now);
    let shown = difference.unified_diff().context_radius(1).missing_newline_hint(false).to_string();
    shown.lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[(&str, &str)]) -> Key {
        parts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn parts_are_named_with_what_became_of_them() {
        let changes = of_maps(&key(&[("a", "1"), ("b", "2")]), &key(&[("b", "3"), ("c", "4")]), "input ");
        let words: Vec<String> = changes.iter().map(Change::words).collect();
        assert_eq!(words, ["input b changed (2 → 3)", "input c is new", "input a is gone"]);
    }
}
