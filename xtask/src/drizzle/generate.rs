//! `bun run db:generate` on a pseudo-terminal, its rename questions answered from the declared operations alone.
//!
//! Invariant: it passes only with exactly one new journal entry, its SQL and its snapshot, and every older file as it was; in any
//! other case the folder is put back as found.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::config::Config;
use super::diff;
use super::journal::{self, Entry, Journal};
use super::project::Project;
use super::prompt;
use super::snapshot::{self, Snapshot};
use crate::failure::{Failure, Kind};
use crate::process::interrupt;
use crate::process::pty::{Read1, Session};
use crate::sql::Operation;

/// A migration that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    pub tag: String,
    pub sql: PathBuf,
    pub snapshot: PathBuf,
    /// What it really does, by the snapshots before and after.
    pub operations: Vec<Operation>,
}

/// How long the screen must stay still before a question counts as drawn.
const STILL: Duration = Duration::from_millis(150);
/// A screen this long without a change, and no question that we can read on it: something else waits for an answer.
const STALLED: Duration = Duration::from_secs(120);
const DOWN: &[u8] = b"\x1b[B";
const ENTER: &[u8] = b"\r";

/// Generates one migration named `name`.
///
/// Errors (step): an undeclared question, no change, a schema that throws, snapshots that collide, or anything but one sound new
/// migration. The migrations folder is then as it was before.
pub fn generate(project: &Project, config: &Config, name: &str, declared: &[Operation]) -> Result<Generated> {
    make(project, config, name, declared, &[])
}

/// Makes an empty migration named `name`, for SQL of one's own: `drizzle-kit generate --custom`.
pub fn custom(project: &Project, config: &Config, name: &str) -> Result<Generated> {
    make(project, config, name, &[], &["--custom"])
}

fn make(project: &Project, config: &Config, name: &str, declared: &[Operation], options: &[&str]) -> Result<Generated> {
    if name.is_empty()
        || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
        || name.starts_with('-')
    {
        return Err(Failure::usage(format!("a migration's name has letters, digits, `_` and `-` only: {name}")).into());
    }
    project.require_script(&project.package, "db:generate")?;
    let out = &config.out;
    let old_journal = journal::load(out)?;
    let old_snapshot = snapshot::latest(out, &old_journal)?;
    let old = Files::read(out)?;
    let result = run(project, name, declared, options).and_then(|screen| {
        let entry = proven(out, &old, &old_journal, &old_snapshot).map_err(|problem| reason(&screen, &problem))?;
        let new_snapshot = snapshot::load(&journal::snapshot_path(out, &entry))?;
        Ok(Generated {
            sql: journal::sql_path(out, &entry),
            snapshot: journal::snapshot_path(out, &entry),
            tag: entry.tag,
            operations: diff::differences(&old_snapshot, &new_snapshot, declared),
        })
    });
    result.map_err(|error| match old.put_back(out) {
        Ok(()) => error,
        Err(problem) => Failure::from_error(&error)
            .detail(format!("the migrations folder could not be put back: {problem}"))
            .hint(format!("look at it: `git status -- {}`", out.display()))
            .into(),
    })
}

/// Runs to the end and gives what was on the screen, masked and without escape sequences.
fn run(project: &Project, name: &str, declared: &[Operation], options: &[&str]) -> Result<String> {
    let command = project.bun(&[&["run", "db:generate", "--name", name], options].concat());
    let started = Instant::now();
    let mut session = Session::start(&command)?;
    let mut raw: Vec<u8> = Vec::new();
    let outcome = converse(&mut session, &mut raw, declared, || {
        if interrupt::requested() {
            return Err(Failure::new(Kind::Step, "interrupted while drizzle-kit was generating").into());
        }
        if started.elapsed() > project.timeout {
            let seconds = project.timeout.as_secs();
            return Err(
                Failure::step(format!("`{}` was ended after {seconds} s: its time limit", command.display())).into()
            );
        }
        Ok(())
    });
    drop(session);
    let screen = project.mask.apply(&prompt::plain(&String::from_utf8_lossy(&raw)));
    // A full disk takes the log, and not what was made.
    let _ = write_log(project, &command.display(), &screen);
    let code = outcome?;
    if code != Some(0) {
        let code = code.map_or_else(|| "no exit code".to_owned(), |code| format!("exit code {code}"));
        return Err(reason(&screen, &format!("drizzle-kit ended with {code}")).into());
    }
    Ok(screen)
}

/// Reads and answers until the child ends; gives its exit code.
fn converse(
    session: &mut Session,
    raw: &mut Vec<u8>,
    declared: &[Operation],
    go_on: impl Fn() -> Result<()>,
) -> Result<Option<u32>> {
    // Where the part of the screen begins that is not answered yet.
    let mut open = 0;
    // Length of the output at which we pressed a key: nothing is pressed twice for one picture.
    let mut pressed = 0;
    let mut heard = Instant::now();
    loop {
        go_on()?;
        if heard.elapsed() > STALLED {
            return Err(Failure::step("drizzle-kit waits for something that is not a question we know")
                .hint("run `bun run db:generate` yourself to see what it asks")
                .into());
        }
        match session.read(STILL)? {
            Read1::Bytes(bytes) => {
                raw.extend(bytes);
                heard = Instant::now();
            }
            Read1::Ended => return session.exit_code(),
            Read1::Quiet if raw.len() > pressed => {
                let screen = prompt::plain(&String::from_utf8_lossy(&raw[open..]));
                let Some(question) = prompt::read(&screen) else { continue };
                let wanted = prompt::answer(&question, declared).map_err(undeclared)?;
                pressed = raw.len();
                if question.marked == wanted {
                    open = raw.len();
                    session.send(ENTER)?;
                } else {
                    session.send(DOWN)?;
                }
            }
            Read1::Quiet => {}
        }
    }
}

fn undeclared(question: String) -> Failure {
    Failure::step("drizzle-kit asks what no declared operation answers")
        .detail(question)
        .hint("declare the rename, or that the column is new, and run again: a wrong answer would drop the old column with its data")
}

/// The one new entry, or what is wrong.
fn proven(
    out: &Path,
    old: &Files,
    old_journal: &Journal,
    old_snapshot: &Snapshot,
) -> std::result::Result<Entry, String> {
    let text = |error: anyhow::Error| error.to_string();
    let journal = journal::load(out).map_err(text)?;
    let known = old_journal.entries.len();
    if journal.entries.len() == known && journal == *old_journal {
        return Err("it made no migration".to_owned());
    }
    if journal.entries.len() != known + 1 || journal.entries[..known] != old_journal.entries[..] {
        return Err("it changed the journal otherwise than by one new entry".to_owned());
    }
    let entry = journal.entries[known].clone();
    let (sql, snapshot_path) = (journal::sql_path(out, &entry), journal::snapshot_path(out, &entry));
    let now = Files::read(out).map_err(text)?;
    for (path, bytes) in &now.0 {
        let fresh = *path == sql || *path == snapshot_path;
        let expected = match old.0.get(path) {
            None => fresh || *path == journal::path(out),
            Some(before) => *path == journal::path(out) || (before == bytes && !fresh),
        };
        if !expected {
            return Err(format!("it changed a file that was not its business: {}", path.display()));
        }
    }
    if let Some(gone) = old.0.keys().find(|path| !now.0.contains_key(*path)) {
        return Err(format!("it removed {}", gone.display()));
    }
    if now.0.get(&sql).is_none_or(|bytes| bytes.iter().all(u8::is_ascii_whitespace)) {
        return Err(format!("`{}.sql` is missing or empty", entry.tag));
    }
    let snapshot = snapshot::load(&snapshot_path).map_err(text)?;
    let parent = if known == 0 { snapshot::ORIGIN } else { old_snapshot.id() };
    if snapshot.prev_id() != parent {
        return Err("its snapshot does not follow the newest one".to_owned());
    }
    Ok(entry)
}

/// What happened, told from the screen: drizzle-kit's exit code does not tell it.
fn reason(screen: &str, problem: &str) -> Failure {
    let line_with = |text: &str| screen.lines().find(|line| line.contains(text)).map(|line| line.trim().to_owned());
    if screen.contains("No schema changes, nothing to migrate") {
        return Failure::step("the schema files hold no change that a migration could carry")
            .hint("edit the schema first, and see that the file is one that the config's `schema` matches");
    }
    if screen.contains("Interactive prompts require a TTY") {
        return Failure::step("drizzle-kit has no terminal for its rename question").hint(
            "let `db:generate` call drizzle-kit directly: `bun run --filter`, turbo and nx take the terminal away",
        );
    }
    if let Some(line) = line_with("which is a collision") {
        return Failure::step("two snapshots have the same parent: migrations of two branches meet here")
            .detail(line)
            .hint("run `cargo xtask db-change inventory` to see which");
    }
    let lines: Vec<&str> = screen.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
    let at = lines.iter().position(|line| line.contains("Error")).unwrap_or(lines.len().saturating_sub(6));
    let excerpt = lines[at..].iter().take(6).copied().collect::<Vec<_>>().join("\n");
    Failure::step(format!("drizzle-kit made no sound migration: {problem}")).detail(excerpt)
}

fn write_log(project: &Project, command: &str, screen: &str) -> Result<()> {
    let Some(log) = &project.log else { return Ok(()) };
    for (ending, text) in [("cmd", format!("{command}\n")), ("out", screen.to_owned())] {
        let path = format!("{}.{ending}", log.stem.display());
        let mut file = fs::File::options()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("opening the log `{path}`"))?;
        file.write_all(text.as_bytes()).with_context(|| format!("writing the log `{path}`"))?;
    }
    Ok(())
}

/// Every file below the migrations folder, with its content.
struct Files(BTreeMap<PathBuf, Vec<u8>>);

impl Files {
    fn read(folder: &Path) -> Result<Files> {
        let mut files = BTreeMap::new();
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("reading `{}`", folder.display())),
            };
            for entry in entries {
                let path = entry.with_context(|| format!("reading `{}`", folder.display()))?.path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let bytes = fs::read(&path).with_context(|| format!("reading `{}`", path.display()))?;
                    files.insert(path, bytes);
                }
            }
        }
        Ok(Files(files))
    }

    /// Removes what is new, writes back what changed or went.
    fn put_back(&self, folder: &Path) -> Result<()> {
        let now = Files::read(folder)?;
        for path in now.0.keys().filter(|path| !self.0.contains_key(*path)) {
            fs::remove_file(path).with_context(|| format!("removing `{}`", path.display()))?;
        }
        for (path, bytes) in self.0.iter().filter(|(path, bytes)| now.0.get(*path) != Some(*bytes)) {
            fs::write(path, bytes).with_context(|| format!("writing `{}` back", path.display()))?;
        }
        // A folder made for the first migration goes too; one that holds anything stays.
        if self.0.is_empty() {
            let _ = fs::remove_dir(folder.join("meta"));
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with one migration, and what `generate` remembers of it.
    fn folder() -> (tempfile::TempDir, Files, Journal, Snapshot) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("meta")).unwrap();
        add(folder.path(), 0, "A", snapshot::ORIGIN);
        let journal = journal::load(folder.path()).unwrap();
        let latest = snapshot::latest(folder.path(), &journal).unwrap();
        let files = Files::read(folder.path()).unwrap();
        (folder, files, journal, latest)
    }

    fn add(out: &Path, idx: i64, id: &str, parent: &str) {
        let mut journal = journal::load(out).unwrap();
        let entry = Entry { idx, version: "7".into(), when: idx, tag: format!("{idx:04}_x"), breakpoints: true };
        fs::write(journal::sql_path(out, &entry), "SELECT 1;").unwrap();
        let mut snapshot = Snapshot::empty();
        snapshot.0["id"] = id.into();
        snapshot.0["prevId"] = parent.into();
        fs::write(journal::snapshot_path(out, &entry), snapshot.0.to_string()).unwrap();
        journal.entries.push(entry);
        fs::write(journal::path(out), serde_json::to_string(&journal).unwrap()).unwrap();
    }

    #[test]
    fn one_entry_with_its_files_is_proven_and_anything_else_is_not() {
        let (folder, files, journal, latest) = folder();
        let check = || proven(folder.path(), &files, &journal, &latest).map(|entry| entry.tag);
        assert_eq!(check(), Err("it made no migration".to_owned()));
        add(folder.path(), 1, "B", "A");
        assert_eq!(check(), Ok("0001_x".to_owned()));
        fs::write(folder.path().join("0000_x.sql"), "SELECT 2;").unwrap();
        assert!(check().unwrap_err().contains("not its business"));
        files.put_back(folder.path()).unwrap();
        assert_eq!(Files::read(folder.path()).unwrap().0, files.0);
        add(folder.path(), 1, "B", "other");
        assert!(check().unwrap_err().contains("does not follow"));
    }
}
