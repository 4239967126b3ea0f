//! `db-change inventory`: all that is wrong with the migrations, and what could not be judged here.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::json;

use super::open;
use crate::actions::survey::{self, NAME_IT, Place, Survey};
use crate::actions::world::World;
use crate::cli::Inventory;
use crate::drizzle::inventory::{KINDS, Problem};
use crate::failure::{Failure, Kind};
use crate::process::tools::Search;
use crate::repo::git;
use crate::report::terminal::{data, print, wrapped};
use crate::state::Home;
use crate::workflow::{self, Loaded};

const WIDTH: usize = 80;

/// So many of one kind are shown; the rest is counted, and whole in `--json`.
const SHOWN: usize = 10;

pub(super) fn inventory(asked: &Inventory, workflow: &str) -> Result<u8> {
    let here = open::here()?;
    let root = git::root(&here).unwrap_or_else(|_| here.clone());
    let migrations = asked.migrations.as_ref().map(|folder| plain(&here.join(folder)));
    let loaded = workflow_of(&root, workflow, migrations.as_deref())?;
    let world = loaded.as_ref().map(|loaded| World::new(&root, loaded, Home::at(&root).run(".inventory"), ""));
    let place = Place {
        // What a person named is shown as it was named.
        root: if migrations.is_some() { &here } else { &root },
        migrations,
        database_url: asked.database_url.as_deref(),
        tools: Search::here(),
        world: world.as_ref(),
    };
    let found = survey::survey(&place)?;
    let count = found.findings.problems.len();
    if asked.shown.json {
        data(&format!("{}\n", to_json(&found)));
    } else {
        data(&text(&found));
    }
    if count == 0 {
        return Ok(0);
    }
    if !asked.shown.json {
        let message = format!("`{}` has {}", found.folder, counted(count, "problem"));
        print(&Failure::step(message).hint("mend these first: a change on top of them carries them along").render());
    }
    Ok(Kind::Step.exit_code())
}

/// The workflow file, where the folder is in its package. One that cannot be read is an error only where nothing else says where
/// to look.
fn workflow_of(root: &Path, name: &str, migrations: Option<&Path>) -> Result<Option<Loaded>> {
    let path = workflow::load::path_of(root, name);
    if let Some(folder) = migrations {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let loaded = if path.exists() { open::current(root, name).ok() } else { None };
        let of = |loaded: &Loaded| loaded.var("db_package").map(|package| real(&root.join(package)));
        return Ok(loaded.filter(|loaded| of(loaded).is_some_and(|package| real(folder).starts_with(package))));
    }
    if !path.exists() {
        let message = format!("nothing says where the migrations are: there is no `{}`", path.display());
        return Err(Failure::usage(message).hint(NAME_IT).into());
    }
    open::current(root, name).map(Some)
}

/// Without `.` and a `/` at the end.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, std::path::Component::CurDir)).collect()
}

fn to_json(found: &Survey) -> serde_json::Value {
    let applied: Vec<_> = found.applied.iter().map(|(hash, at)| json!({"hash": hash, "created_at": at})).collect();
    json!({
        "schema": "1.0", "folder": found.folder, "migrations": found.migrations, "applied": applied, "pending": found.pending,
        "unlisted": found.unlisted, "problems": found.findings.problems, "not_judged": found.findings.not_judged,
    })
}

fn text(found: &Survey) -> String {
    let mut out = wrapped(&summary(found), WIDTH, "");
    if !found.unlisted.is_empty() {
        let names: Vec<String> = found.unlisted.iter().take(SHOWN).map(|tag| format!("{tag}.sql")).collect();
        let more = if found.unlisted.len() > SHOWN { " …" } else { "" };
        out += &wrapped(&format!("in no journal, never applied: {}{more}", names.join(", ")), WIDTH, "");
    }
    for kind in KINDS {
        let all: Vec<&Problem> = found.findings.problems.iter().filter(|problem| problem.kind == *kind).collect();
        for problem in all.iter().take(SHOWN) {
            let migration = problem.migration.as_deref().map(|tag| format!(": {tag}")).unwrap_or_default();
            let _ = writeln!(out, "\n{kind}{migration}");
            out += &wrapped(&problem.message, WIDTH, "  ");
            out += &wrapped(&format!("remedy: {}", problem.remedy), WIDTH, "  ");
        }
        if all.len() > SHOWN {
            let _ = writeln!(out, "\n{kind}: {} more, all of them with --json", all.len() - SHOWN);
        }
    }
    out + &not_judged(found)
}

fn summary(found: &Survey) -> String {
    let mut line = format!("{}: {}", found.folder, counted(found.migrations.len(), "migration"));
    if let Some(pending) = &found.pending {
        let _ = write!(line, ", {} applied, {} pending", found.applied.len(), pending.len());
    }
    if let Some((tables, files)) = found.tables {
        let _ = write!(line, "; {} in {}", counted(tables, "table"), counted(files, "schema file"));
    }
    let judged = KINDS.len() - found.findings.not_judged.len();
    if found.findings.problems.is_empty() {
        let _ = write!(line, "; no problem of the {judged} kinds judged");
    }
    line
}

/// Kinds with one reason stand together.
fn not_judged(found: &Survey) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for kind in &found.findings.not_judged {
        match groups.iter_mut().find(|(reason, _)| *reason == kind.reason) {
            Some((_, kinds)) => kinds.push(&kind.kind),
            None => groups.push((&kind.reason, vec![&kind.kind])),
        }
    }
    let mut out = String::new();
    for (reason, kinds) in groups {
        let _ = writeln!(out, "\nnot judged: {}", kinds.join(", "));
        out += &wrapped(reason, WIDTH, "  ");
    }
    out
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
