//! `report`: everything in it is read from the run's evidence. Also the receipt that goes with the migration.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use super::change::Change;
use super::generate::Migration;
use super::rollback;
use super::world::World;
use crate::digest;
use crate::drizzle::journal;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::numbers::thousands;
use crate::report::summary::{self, Line, StepLine, Summary, Word};
use crate::sql::Operation;
use crate::state::{Evidence, Status, durable};
use crate::workflow::Lane;

pub(super) fn report(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    if let Some(outdated) = outdated(context)? {
        return Ok(outdated);
    }
    let summary = gather(world, context)?;
    let json = serde_json::to_string_pretty(&summary).context("describing the report")?;
    for (name, text) in [
        ("report.txt", summary::text(&summary)),
        ("report.md", summary::markdown(&summary)),
        ("report.json", format!("{json}\n")),
        ("report.html", summary::html(&summary)),
    ] {
        durable::write(&world.folder.path().join(name), text.as_bytes())?;
    }
    let (path, receipt) = receipt(world, context)?;
    if let Some(folder) = path.parent() {
        durable::create_folder(folder)?;
    }
    durable::write(&path, receipt.as_bytes())?;
    let shown = path.strip_prefix(&world.root).unwrap_or(&path).display().to_string();
    Ok(Outcome::Passed(
        Evidence::new(format!("receipt {shown}")).proven("receipt", digest::of(receipt)).info("receipt_file", shown),
    ))
}

/// A receipt binds what was proven: files that are others by now are proven first.
fn outdated(context: &StepContext<'_>) -> Result<Option<Outcome>> {
    let migration = Migration::of(context)?;
    let rollback = rollback::path(&migration);
    let proven: String = context.proven("rollback-prove", "rollback")?;
    let other = |step: &str, file: &Path| Outcome::Outdated {
        step: step.to_owned(),
        failure: Failure::refused(format!("`{}` is not the file that was proven", file.display()))
            .hint("run `cargo xtask db-change`: what was edited is proven anew"),
    };
    if journal::hash_of(migration.sql()?.as_bytes()) != migration.hash {
        return Ok(Some(other("generate", &migration.file)));
    }
    Ok((digest::of_file(&rollback)? != proven).then(|| other("rollback-write", &rollback)))
}

fn gather(world: &World<'_>, context: &StepContext<'_>) -> Result<Summary> {
    let change = Change::of(context)?;
    let migration = Migration::of(context)?;
    let count = |step: &str, name: &str| context.proven::<Vec<String>>(step, name).map(|names| names.len().to_string());
    let tests: i64 = ["schema-test-green", "api-tests", "db-tests", "api-suite"]
        .iter()
        .filter(|step| context.passed(step))
        .map(|step| context.proven::<i64>(step, "passed"))
        .sum::<Result<i64>>()?;
    let objects: Vec<String> = change.operations.iter().map(Operation::object).collect();
    let tables: Vec<String> = change.tables.iter().map(ToString::to_string).collect();
    let line = |step: &str, text: String| Line { proven: context.passed(step), text };
    let source: String = context.proven("backup", "source")?;
    let taken: u64 = context.proven("backup", "taken_at")?;
    let taken = humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + std::time::Duration::from_secs(taken));
    let rows: i64 = context.proven("backup", "rows")?;
    let data = match change.applied {
        true => format!(
            "Proven on synthetic rows: `{source}` had the migration before the run, so the copy was built from the migrations before it. Not proven on real rows."
        ),
        false => {
            format!("Proven on `{source}` ({} rows, backup of {taken}); not proven for production.", thousands(rows))
        }
    };
    let synthetic = match change.applied {
        true => format!(" (on synthetic rows: {source} has the migration already)"),
        false => String::new(),
    };
    let recovery: f64 = context.proven("rollback-prove", "recovery_seconds")?;
    let restore: f64 = context.proven("rollback-prove", "restore_seconds")?;
    // Runs that were rehearsed before there was a trial have none.
    let found: Vec<String> = context.proven("rehearse", "contradictions").unwrap_or_default();
    let worse = found.iter().filter(|line| line.starts_with("warning")).count();
    let unsaid = match worse {
        0 => String::new(),
        _ => format!(" (the trial shows {worse} more than the review said: see the findings)"),
    };
    Ok(Summary {
        schema: "1.0",
        run: context.state.run.clone(),
        title: change.title.clone(),
        lane: context.lane().map(|lane| lane.to_string()).unwrap_or_default(),
        data,
        headline: vec![
            line("verify-schema", format!("Schema: {} modified", objects.join(", "))),
            line("generate", format!("Migration: {} generated{unsaid}", migration.place().name())),
            line("schema-test-green", format!("Tests: {tests} tests passing{synthetic}")),
            line(
                "impact",
                format!("Breaking Changes: {}", if super::impact::is_breaking(context) { "YES" } else { "NO" }),
            ),
        ],
        impact: vec![
            ("Tables affected".to_owned(), tables.len().to_string()),
            ("API procedures affected".to_owned(), count("impact", "procedures")?),
            ("UI components affected".to_owned(), count("impact", "components")?),
        ],
        performance: performance(context)?,
        rollback: vec![
            line("rollback-write", "Rollback script created".to_owned()),
            line("rollback-prove", "Rollback tested".to_owned()),
            line(
                "rollback-prove",
                format!(
                    "Recovery time: {} minutes ({recovery:.2} s; restoring the backup: {restore:.1} s)",
                    minutes(recovery)
                ),
            ),
        ],
        confirmations: confirmations(&change),
        decisions: words(context),
        findings: [context.proven("review", "lines")?, found.clone()].concat(),
        difference: context.proven("verify-schema", "difference")?,
        steps: steps(world, context),
        checklist: context
            .proven::<toml::Table>("checklist", "items")?
            .into_iter()
            .map(|(item, state)| (item, state.as_str().unwrap_or_default().to_owned()))
            .collect(),
    })
}

fn performance(context: &StepContext<'_>) -> Result<Vec<(String, String)>> {
    let rows: i64 = context.proven("measure", "rows")?;
    let seconds: f64 = context.proven("measure", "seconds")?;
    let estimate = match context.proven::<f64>("measure", "estimate_seconds") {
        Ok(estimate) => {
            let (low, high): (f64, f64) =
                (context.proven("measure", "estimate_low")?, context.proven("measure", "estimate_high")?);
            let production: i64 = context.proven("measure", "production_rows")?;
            format!(
                "{} minutes ({}–{}, {} rows)",
                minutes(estimate),
                minutes(low),
                minutes(high),
                thousands(production)
            )
        }
        Err(_) => "0.00 minutes (constant: metadata only)".to_owned(),
    };
    Ok(vec![
        ("Test dataset".to_owned(), format!("{rows} rows")),
        ("Migration time".to_owned(), format!("{seconds:.2} seconds")),
        ("Estimated production time".to_owned(), estimate),
    ])
}

/// Seconds as minutes; short ones keep a digit that says something.
fn minutes(seconds: f64) -> String {
    if seconds < 60.0 { format!("{:.2}", seconds / 60.0) } else { format!("{:.1}", seconds / 60.0) }
}

/// The questions that the change itself raises and nobody but the business can answer.
fn confirmations(change: &Change) -> Vec<String> {
    change
        .operations
        .iter()
        .filter_map(|operation| match operation {
            Operation::RenameColumn { .. } | Operation::RenameTable { .. } => Some(format!(
                "Does anything outside this repo (reports, exports, other services) read {} by its old name?",
                operation.object()
            )),
            Operation::AddColumn { table, column, not_null: true, .. } => {
                Some(format!("Is the value that existing rows of {table} get in {column} right for each of them?"))
            }
            Operation::DropColumn { .. } | Operation::DropTable { .. } => Some(format!(
                "Is there nobody, and no law, that needs what {} holds, and how long is its backup kept?",
                operation.object()
            )),
            Operation::ChangeType { to, .. } => Some(format!(
                "Is every value of {} meant as {to}, and does everything that reads it from outside expect that?",
                operation.object()
            )),
            Operation::SetNotNull { .. } => {
                Some(format!("What stands in {} for rows that had no value?", operation.object()))
            }
            Operation::AddUnique { .. } => {
                Some(format!("Where two rows have the same {}, which one is right?", operation.object()))
            }
            Operation::AddForeignKey { to, .. } => {
                Some(format!("What becomes of a row of {} when its row in {to} is deleted?", operation.object()))
            }
            Operation::DropEnumValue { value, .. } => Some(format!(
                "What do rows of {} become that had the value {}?",
                operation.object(),
                crate::sql::names::literal(value)
            )),
            _ => None,
        })
        .collect()
}

fn words(context: &StepContext<'_>) -> Vec<Word> {
    let mut words = Vec::new();
    for (step, state) in &context.state.step {
        if let Some(answer) = &state.answer {
            words.push(Word {
                step: step.clone(),
                said: format!("{} {}", answer.option, answer.label),
                reason: answer.reason.clone(),
                by: answer.by.clone(),
                at: answer.at.clone(),
            });
        }
        if let Some(word) = &state.attestation {
            words.push(Word {
                step: step.clone(),
                said: "attested".to_owned(),
                reason: word.note.clone(),
                by: word.by.clone(),
                at: word.at.clone(),
            });
        }
        for accepted in &state.accepted {
            words.push(Word {
                step: step.clone(),
                said: format!("accepted {}", accepted.finding),
                reason: accepted.reason.clone(),
                by: accepted.by.clone(),
                at: accepted.at.clone(),
            });
        }
    }
    words.sort_by(|a, b| (&a.at, &a.step).cmp(&(&b.at, &b.step)));
    words
}

fn steps(world: &World<'_>, context: &StepContext<'_>) -> Vec<StepLine> {
    world
        .loaded
        .in_order()
        .into_iter()
        .map(|step| {
            let id = step.id.get_ref();
            let state = context.state.step.get(id).cloned().unwrap_or_default();
            let running = state.status == Status::Running;
            StepLine {
                step: id.clone(),
                status: if running { "this report".to_owned() } else { state.status.words().to_owned() },
                summary: state.summary,
                seconds: state.seconds,
            }
        })
        .collect()
}

/// The committed proof: binds content, not position.
#[derive(Debug, Serialize)]
struct Receipt {
    schema: String,
    status: String,
    lane: Option<Lane>,
    operations: Vec<String>,
    migration: String,
    rollback: String,
    /// The touched tables in Drizzle's snapshot before the migration.
    touched: String,
    accepted: Vec<String>,
    decisions: Vec<String>,
}

fn receipt(world: &World<'_>, context: &StepContext<'_>) -> Result<(PathBuf, String)> {
    let change = Change::of(context)?;
    let migration = Migration::of(context)?;
    let (before, _) = migration.snapshots(world, context)?;
    let touched: Vec<String> = change
        .operations
        .iter()
        .map(|operation| operation.table().and_then(|table| before.table(table)).unwrap_or(&Value::Null).to_string())
        .collect();
    let mut decisions: Vec<String> = context
        .state
        .step
        .iter()
        .filter_map(|(step, state)| {
            state.answer.as_ref().map(|answer| format!("{step} {} {}", answer.option, answer.label))
        })
        .collect();
    decisions.sort();
    let receipt = Receipt {
        schema: "1.0".to_owned(),
        status: "claimed".to_owned(),
        lane: context.lane(),
        operations: change.operations.iter().map(ToString::to_string).collect(),
        migration: migration.hash.clone(),
        rollback: digest::of_file(&rollback::path(&migration))?,
        touched: digest::of(touched.join("\n")),
        accepted: context.proven("review", "accepted")?,
        decisions,
    };
    Ok((migration.place().receipt(), toml::to_string(&receipt).context("describing the receipt")?))
}
