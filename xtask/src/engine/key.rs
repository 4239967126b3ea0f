//! The freshness key: everything whose change makes a passed step stale, kept part by part.
//!
//! Never time, attempt or anything measured: a step that is run again on the same input has the same key. The files of a
//! step are one part, the digest of their list; the list itself, and what small files held, is kept beside the state so that
//! a difference can be shown ([`super::difference`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Host;
use crate::digest;
use crate::failure::Failure;
use crate::state::{Home, State, seal};
use crate::workflow::condition;
use crate::workflow::load::{captured_names, definition};
use crate::workflow::{Loaded, Step, Tree};

pub type Key = BTreeMap<String, String>;

/// The part that stands for all input files.
pub const INPUTS: &str = "inputs";

/// What a key may be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Tools are asked for their versions and databases for their state.
    Everything,
    /// Only what lies in files and in the state; nothing is started.
    Nothing,
}

/// The key of a step, with its files one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    other: Key,
    /// File → digest. None where the step's inputs are those of the base commit.
    inputs: Option<BTreeMap<String, String>>,
}

impl Parts {
    /// As it is kept in the state.
    #[must_use]
    pub fn key(&self) -> Key {
        let mut key = self.other.clone();
        if let Some(inputs) = self.inputs.as_ref().filter(|inputs| !inputs.is_empty()) {
            key.insert(INPUTS.to_owned(), digest::of(list(inputs)));
        }
        key
    }

    /// The files with their digests, a line each.
    #[must_use]
    pub fn list(&self) -> String {
        self.inputs.as_ref().map(list).unwrap_or_default()
    }

    pub fn inputs(&self) -> impl Iterator<Item = (&String, &String)> {
        self.inputs.iter().flatten()
    }

    /// The key as the step found it. What it made itself counts as it left it; what anybody else changed meanwhile was not
    /// what it proved, and makes it stale on the next look.
    #[must_use]
    pub fn with_own(mut self, after: &Parts, own: &BTreeMap<String, String>) -> Parts {
        if let (Some(kept), Some(after)) = (&mut self.inputs, &after.inputs) {
            kept.retain(|name, _| !own.contains_key(name));
            let made = after.iter().filter(|(name, _)| own.contains_key(*name));
            kept.extend(made.map(|(name, digest)| (name.clone(), digest.clone())));
        }
        self
    }
}

fn list(inputs: &BTreeMap<String, String>) -> String {
    inputs.iter().map(|(name, digest)| format!("{digest} {name}\n")).collect()
}

/// Whether a part is known only by asking a program or a database.
#[must_use]
pub fn is_asked(part: &str) -> bool {
    part.starts_with("tool ") || part.starts_with("probe ")
}

/// The key of a step as things stand now.
pub fn of(step: &Step, loaded: &Loaded, state: &State, root: &Path, host: &dyn Host, ask: Ask) -> Result<Parts> {
    let mut key = Key::new();
    key.insert("definition".to_owned(), digest::of(definition(step)?));
    let red = step.green_of.as_ref().and_then(|red| loaded.step(red.get_ref()));
    if let Some(red) = red {
        key.insert("green of".to_owned(), digest::of(definition(red)?));
    }
    if let Some(settings) = step.uses.as_ref().and_then(|uses| host.settings(uses.get_ref())) {
        key.insert("settings".to_owned(), settings);
    }
    for need in &step.needs {
        let evidence = state.step.get(need.get_ref()).and_then(|need| need.evidence.clone());
        key.insert(format!("evidence of {}", need.get_ref()), evidence.unwrap_or_else(|| "none".to_owned()));
    }
    for name in values(step, red) {
        let value = state.captured.get(&name).map_or_else(|| "none".to_owned(), digest::of);
        key.insert(format!("value {name}"), value);
    }
    let mut inputs = None;
    if step.tree == Tree::Base {
        key.insert("base commit".to_owned(), state.base.clone());
    } else {
        inputs = Some(contents(&step.inputs, root, host)?);
    }
    for name in step.env.iter().chain(red.iter().flat_map(|red| &red.env)) {
        key.insert(format!("env {name}"), keyed_digest(root, host.env(name).as_deref().unwrap_or_default())?);
    }
    if ask == Ask::Everything {
        for precondition in &step.preconditions {
            if let Some(tool) = &precondition.get_ref().tool {
                key.insert(format!("tool {tool}"), host.tool(tool)?.1);
            }
        }
        for probe in &step.probes {
            key.insert(format!("probe {}", probe.get_ref()), host.probe(probe.get_ref())?);
        }
    }
    Ok(Parts { other: key, inputs })
}

/// The captured values that stand in a step's command or decide whether it runs.
fn values(step: &Step, red: Option<&Step>) -> Vec<String> {
    let commands = [step.run.as_ref(), red.and_then(|red| red.run.as_ref())].into_iter().flatten();
    let texts = commands.flat_map(|run| run.get_ref());
    let mut names: Vec<String> = texts.flat_map(|text| captured_names(text)).map(str::to_owned).collect();
    let when = step.when.as_ref().and_then(|when| condition::parse(when.get_ref()));
    names.extend(when.map(|when| when.name));
    names
}

/// The files that a step says it writes: name → digest.
pub fn outputs(step: &Step, root: &Path, host: &dyn Host) -> Result<BTreeMap<String, String>> {
    contents(&step.outputs, root, host)
}

fn contents(patterns: &[String], root: &Path, host: &dyn Host) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for pattern in patterns {
        for file in files(root, pattern)? {
            let name = file.strip_prefix(root).unwrap_or(&file).to_string_lossy().into_owned();
            found.insert(name, host.digest(&file)?);
        }
    }
    Ok(found)
}

/// The files that a glob of the workflow file names, sorted; `node_modules` and `.git` are never looked into.
pub fn files(root: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    let glob =
        glob::Pattern::new(pattern).map_err(|error| Failure::usage(format!("`{pattern}` is not a glob: {error}")))?;
    let plain = pattern.split('/').take_while(|part| !part.contains(['*', '?', '[']));
    let start = plain.fold(root.to_owned(), |path, part| path.join(part));
    let mut found = Vec::new();
    if start.is_file() {
        found.push(start);
    } else if start.is_dir() {
        walk(&start, root, &glob, &mut found)?;
    }
    found.sort();
    Ok(found)
}

fn walk(folder: &Path, root: &Path, glob: &glob::Pattern, found: &mut Vec<PathBuf>) -> Result<()> {
    const LITERAL: glob::MatchOptions = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: false,
    };
    let listing = || format!("listing the inputs in `{}`", folder.display());
    for entry in std::fs::read_dir(folder).with_context(listing)? {
        let entry = entry.with_context(listing)?;
        let path = entry.path();
        if path.is_dir() {
            // A linked folder is somebody else's, and may lead back here.
            let link = entry.file_type().with_context(listing)?.is_symlink();
            if !link && entry.file_name() != "node_modules" && entry.file_name() != ".git" {
                walk(&path, root, glob, found)?;
            }
        } else if path.strip_prefix(root).is_ok_and(|name| glob.matches_path_with(name, LITERAL)) {
            found.push(path);
        }
    }
    Ok(())
}

/// A digest that tells nothing about the value to someone who has only the state.
fn keyed_digest(root: &Path, value: &str) -> Result<String> {
    Ok(seal::keyed(&seal::key(Home::at(root).path())?, &[value.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_finds_files_at_every_depth_and_never_those_of_packages() {
        let root = tempfile::tempdir().unwrap();
        for name in ["p/a.ts", "p/deep/er/b.ts", "p/node_modules/x/c.ts", "p/d.sql", "q/e.ts"] {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let found = files(root.path(), pattern).unwrap();
            found.iter().map(|path| path.strip_prefix(root.path()).unwrap().display().to_string()).collect()
        };
        assert_eq!(names("p/**/*.ts"), ["p/a.ts", "p/deep/er/b.ts"]);
        assert_eq!(names("p/*.ts"), ["p/a.ts"]);
        assert_eq!(names("p/d.sql"), ["p/d.sql"]);
        assert_eq!(names("nothing/**/*.ts"), Vec::<String>::new());
    }
}
