//! The repo's `generate`, its rename questions answered from the declared operations alone: on a pseudo-terminal for drizzle-kit
//! 0.x, with hints for 1.x.
//!
//! Invariant: it passes only with exactly one new migration, its SQL and its snapshot, and every older file as it was; in any other
//! case the folder is put back as found.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::config::Config;
use super::history::History;
use super::journal::Entry;
use super::layout::Layout;
use super::project::Project;
use super::{diff, envelope, prompt};
use crate::failure::{Failure, Kind};
use crate::process::pty::{Read1, Session};
use crate::process::{Run, escapes, interrupt};
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
    project.require(&project.kit.generate, &project.kit.scripts)?;
    let out = &config.out;
    let before = History::load(out)?;
    let old = Files::read(out)?;
    let ran = match before.layout {
        Layout::Journal => run(project, name, declared, options),
        Layout::Folders => envelope::run(project, declared, |more| command(project, name, &[options, more].concat())),
    };
    let result = ran.and_then(|screen| {
        let (history, entry) = proven(&old, &before).map_err(|problem| reason(&screen, &problem))?;
        let (was, is) = history.around(project, &entry.tag)?;
        Ok(Generated {
            sql: history.sql_path(&entry),
            snapshot: history.snapshot_path(&entry),
            tag: entry.tag,
            operations: diff::differences(&was, &is, declared),
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

/// The command line, with what a kit takes beside the name.
///
/// Errors (usage): more is to be said to a command that takes not even a name: it would reach another program of a chain.
fn command(project: &Project, name: &str, more: &[&str]) -> Result<Run> {
    let generate = &project.kit.generate;
    if !more.is_empty() && !generate.words().iter().any(|word| word.contains("{{name}}")) {
        return Err(Failure::usage(format!(
            "`{}` takes no arguments, and `{}` has to be said to it",
            generate.shown(),
            more[0]
        ))
        .hint("let `generate` of `[vars]` call drizzle-kit alone, with `--name {{name}}` at its end")
        .into());
    }
    let mut run = project.command(&generate.fill("name", &[name.to_owned()]), &project.kit.scripts)?;
    run.args.extend(more.iter().map(Into::into));
    Ok(run)
}

/// Runs to the end and gives what was on the screen, masked and without escape sequences.
fn run(project: &Project, name: &str, declared: &[Operation], options: &[&str]) -> Result<String> {
    let command = command(project, name, options)?;
    let started = Instant::now();
    let mut session = Session::start(&command)?;
    let mut raw: Vec<u8> = Vec::new();
    let outcome = converse(&mut session, &mut raw, declared, &command.display(), || {
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
    let screen = project.mask.apply(&escapes::plain(&String::from_utf8_lossy(&raw)));
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
    command: &str,
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
                .hint(format!("run `{command}` yourself to see what it asks"))
                .into());
        }
        match session.read(STILL)? {
            Read1::Bytes(bytes) => {
                raw.extend(bytes);
                heard = Instant::now();
            }
            Read1::Ended => return session.exit_code(),
            Read1::Quiet if raw.len() > pressed => {
                let screen = escapes::plain(&String::from_utf8_lossy(&raw[open..]));
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

pub(super) fn undeclared(question: String) -> Failure {
    Failure::step("drizzle-kit asks what no declared operation answers")
        .detail(question)
        .hint("declare the rename, or that the column is new, and run again: a wrong answer would drop the old column with its data")
}

/// The history with one new entry, and that entry; or what is wrong.
fn proven(old: &Files, before: &History) -> std::result::Result<(History, Entry), String> {
    let text = |error: anyhow::Error| error.to_string();
    let out = &before.out;
    let history = History::load(out).map_err(text)?;
    let known = before.entries.len();
    if history == *before {
        return Err("it made no migration".to_owned());
    }
    if history.layout != before.layout
        || history.entries.len() != known + 1
        || history.entries[..known] != before.entries[..]
    {
        return Err("it changed the history otherwise than by one new migration".to_owned());
    }
    let entry = history.entries[known].clone();
    let (sql, snapshot, index) = (history.sql_path(&entry), history.snapshot_path(&entry), history.index());
    let now = Files::read(out).map_err(text)?;
    for (path, bytes) in &now.0 {
        let fresh = *path == sql || *path == snapshot;
        let is_index = index.as_ref() == Some(path);
        let expected = match old.0.get(path) {
            None => fresh || is_index,
            Some(before) => is_index || (before == bytes && !fresh),
        };
        if !expected {
            return Err(format!("it changed a file that was not its business: {}", path.display()));
        }
    }
    if let Some(gone) = old.0.keys().find(|path| !now.0.contains_key(*path)) {
        return Err(format!("it removed {}", gone.display()));
    }
    if now.0.get(&sql).is_none_or(|bytes| bytes.iter().all(u8::is_ascii_whitespace)) {
        return Err(format!("`{}` is missing or empty", sql.display()));
    }
    let newest = before.entries.last().map(|entry| before.head(entry)).transpose().map_err(text)?;
    let parents: Vec<String> = newest.into_iter().map(|head| head.id).collect();
    if history.head(&entry).map_err(text)?.parents != parents {
        return Err("its snapshot does not follow the newest one".to_owned());
    }
    Ok((history, entry))
}

pub(super) fn no_change() -> Failure {
    Failure::step("the schema files hold no change that a migration could carry")
        .hint("edit the schema first, and see that the file is one that the config's `schema` matches")
}

/// What happened, told from the screen: drizzle-kit's exit code does not tell it.
fn reason(screen: &str, problem: &str) -> Failure {
    let line_with = |text: &str| screen.lines().find(|line| line.contains(text)).map(|line| line.trim().to_owned());
    if screen.contains("No schema changes, nothing to migrate") {
        return no_change();
    }
    if screen.contains("Interactive prompts require a TTY") {
        return Failure::step("drizzle-kit has no terminal for its rename question").hint(
            "let `generate` of `[vars]` call the package's own script: `bun run --filter`, turbo and nx take the terminal away",
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
        // Folders that were made for what is gone go too; one that holds anything stays.
        for path in now.0.keys().filter(|path| !self.0.contains_key(*path)) {
            let made = path.ancestors().skip(1).take_while(|parent| parent.starts_with(folder));
            for parent in made.filter(|parent| !self.0.keys().any(|file| file.starts_with(parent))) {
                let _ = fs::remove_dir(parent);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::journal::{self, Journal};
    use super::super::snapshot::{self, Snapshot};
    use super::*;

    /// A folder with one migration, and what `generate` remembers of it.
    fn folder(layout: Layout) -> (tempfile::TempDir, Files, History) {
        let folder = tempfile::tempdir().unwrap();
        add(folder.path(), layout, 0, "A", snapshot::ORIGIN);
        let history = History::load(folder.path()).unwrap();
        assert_eq!(history.layout, layout);
        let files = Files::read(folder.path()).unwrap();
        (folder, files, history)
    }

    fn add(out: &Path, layout: Layout, idx: i64, id: &str, parent: &str) {
        if layout == Layout::Folders {
            let folder = out.join(format!("2026010100000{idx}_x"));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("migration.sql"), "SELECT 1;").unwrap();
            let snapshot = serde_json::json!({ "dialect": "postgres", "version": "9", "id": id, "prevIds": [parent] });
            return fs::write(folder.join("snapshot.json"), snapshot.to_string()).unwrap();
        }
        fs::create_dir_all(out.join("meta")).unwrap();
        let mut journal: Journal = journal::load(out).unwrap();
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
    fn one_migration_with_its_files_is_proven_and_anything_else_is_not() {
        for (layout, tag) in [(Layout::Journal, "0001_x"), (Layout::Folders, "20260101000001_x")] {
            let (folder, files, history) = folder(layout);
            let check = || proven(&files, &history).map(|(_, entry)| entry.tag);
            assert_eq!(check(), Err("it made no migration".to_owned()));
            add(folder.path(), layout, 1, "B", "A");
            assert_eq!(check(), Ok(tag.to_owned()));
            fs::write(history.sql_path(&history.entries[0]), "SELECT 2;").unwrap();
            assert!(check().unwrap_err().contains("not its business"));
            files.put_back(folder.path()).unwrap();
            assert_eq!(Files::read(folder.path()).unwrap().0, files.0);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), if layout == Layout::Folders { 1 } else { 2 });
            add(folder.path(), layout, 1, "B", "other");
            assert!(check().unwrap_err().contains("does not follow"));
        }
    }
}
