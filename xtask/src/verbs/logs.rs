//! `logs STEP`: what the commands of a step printed. With `--follow` it goes on for as long as a run is at work on the step.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::open::{self, Repo};
use super::values;
use crate::cli::Logs;
use crate::engine::runner::unknown_step;
use crate::failure::Failure;
use crate::process::interrupt;
use crate::report::json::SCHEMA;
use crate::report::terminal::data;
use crate::state::{RunFolder, Status};

const PAUSE: Duration = Duration::from_millis(100);

pub(super) fn logs(repo: &Repo, asked: &Logs) -> Result<u8> {
    let step = &asked.step;
    let (folder, state) = repo.last_run()?;
    let loaded = open::pinned(&repo.root, &folder, &state)?;
    if loaded.step(step).is_none() {
        return Err(unknown_step(&loaded, step).into());
    }
    if asked.show_values {
        return values::show(repo, step, folder, &state, &loaded);
    }
    let mut shown = Shown { root: &repo.root, step, json: asked.json, at: None, read: BTreeMap::new() };
    loop {
        // Asked before the files are read: what is written until the step's end is read after it.
        let at_work = asked.follow && !interrupt::requested() && is_at_work(repo, step)?;
        for path in files_of(&folder, step)? {
            shown.news(&path, !at_work)?;
        }
        if !at_work {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    if shown.read.is_empty() {
        let status = state.step.get(step).map_or(Status::Pending, |present| present.status).words();
        return Err(Failure::usage(format!("`{step}` has left no log: it is {status} and ran no command")).into());
    }
    Ok(0)
}

/// A step that is `running` in the state of a dead runner is not at work: see `last_run`.
fn is_at_work(repo: &Repo, step: &str) -> Result<bool> {
    let (_, state) = repo.last_run()?;
    Ok(state.step.get(step).is_some_and(|present| present.status == Status::Running))
}

/// `NN-STEP.cmd`, `.out`, `.err`, and those of the step's further commands, in the order of their names.
fn files_of(folder: &RunFolder, step: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.path().join("logs")).context("listing the logs")? {
        let path = entry.context("listing the logs")?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let of_step = name
            .split_once('-')
            .is_some_and(|(_, rest)| rest.strip_prefix(step).is_some_and(|rest| rest.starts_with('.')));
        if of_step {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What has been printed so far.
struct Shown<'a> {
    root: &'a Path,
    step: &'a str,
    json: bool,
    /// The file whose lines were printed last.
    at: Option<PathBuf>,
    read: BTreeMap<PathBuf, u64>,
}

impl Shown<'_> {
    fn news(&mut self, path: &Path, ended: bool) -> Result<()> {
        let text = self.unread(path, ended)?;
        let name = path.strip_prefix(self.root).unwrap_or(path).display().to_string();
        if self.json {
            for line in text.lines() {
                data(&format!("{}\n", json!({"schema": SCHEMA, "step": self.step, "file": name, "line": line})));
            }
        } else if !text.is_empty() {
            if self.at.as_deref() != Some(path) {
                let gap = if self.at.is_some() { "\n" } else { "" };
                data(&format!("{gap}--- {name}\n"));
            }
            data(&text);
            if !text.ends_with('\n') {
                data("\n");
            }
            self.at = Some(path.to_owned());
        }
        Ok(())
    }

    /// What has been written since; the last line only where it is whole, or nothing will follow.
    fn unread(&mut self, path: &Path, ended: bool) -> Result<String> {
        let reading = || format!("reading `{}`", path.display());
        let from = self.read.entry(path.to_owned()).or_default();
        let mut file = File::open(path).with_context(reading)?;
        file.seek(SeekFrom::Start(*from)).with_context(reading)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(reading)?;
        if !ended {
            bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        }
        *from += bytes.len() as u64;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_once_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("02-b.out");
        let mut shown = Shown { root: folder.path(), step: "b", json: false, at: None, read: BTreeMap::new() };
        let mut read = |written: &str, ended: bool| {
            fs::write(&path, written).unwrap();
            shown.unread(&path, ended).unwrap()
        };
        assert_eq!(read("one\ntw", false), "one\n");
        assert_eq!(read("one\ntwo\nthr", false), "two\n");
        assert_eq!(read("one\ntwo\nthree", true), "three");
    }
}
