//! `impact`: what the change touches and breaks, with the query or the run that decided each answer.

use anyhow::Result;

use super::change::Change;
use super::code_impact;
use super::suites::{base_tests_on, baseline, names, new_failures};
use super::world::World;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::numbers::thousands;
use crate::pg::catalog;
use crate::pg::error::Told;
use crate::sql::{Operation, render};
use crate::state::Evidence;
use crate::workflow::Lane;

/// One of the seed's eight checks.
struct Check {
    name: &'static str,
    verdict: &'static str,
    /// The query and its number, or why no query is needed.
    decided_by: String,
}

pub(super) fn impact(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let mut client = world.read_source()?;
    let mut details = Vec::new();
    let mut tables = toml::Table::new();
    let mut rows = 0;
    for operation in &change.operations {
        let table = operation.table();
        let facts = catalog::table(&mut client, table)?.ok_or_else(|| {
            Failure::step(format!("`{table}` is not on the source database"))
                .hint("bring the database to the base's migrations first: bun run db:migrate")
        })?;
        rows = facts.rows;
        let production =
            world.loaded.workflow.target.get("production").and_then(|target| target.rows.get(&table.to_string()));
        let said = production.map_or("production: not known".to_owned(), |rows| {
            format!("{} on production (as the workflow file says)", thousands(i64::try_from(*rows).unwrap_or(i64::MAX)))
        });
        details.push(format!(
            "rows             {table}: {} on {} (now); {said}",
            thousands(facts.rows),
            world.source_name()
        ));
        let mut depends = Vec::new();
        if let Operation::RenameColumn { from, .. } = operation {
            depends = catalog::dependants_of_column(&mut client, table, from)?;
        }
        if !depends.is_empty() {
            details.push(format!("depends on it    {}", depends.join(", ")));
        }
        let mut entry = toml::Table::new();
        entry.insert("depends_on_it".to_owned(), depends.into_iter().map(toml::Value::from).collect::<Vec<_>>().into());
        tables.insert(table.to_string(), entry.into());
    }
    drop(client);
    let checks = eight(&change, rows);
    if let Some((table, reason)) =
        checks.iter().find(|check| check.verdict == "only with data").map(|check| (check.name, &check.decided_by))
    {
        context.set_lane(Lane::Guarded, format!("{table}: {reason}"));
    }
    let code = code_impact::find(world, context, &world.base(context, &context.log)?.root.clone(), &change)?;
    let mut broken = Vec::new();
    let mut ran = 0;
    if change.is_breaking() {
        (broken, ran) = break_the_old_code(world, context, &change)?;
        details
            .insert(0, format!("the old code     {} of {ran} base tests fail when the change is made", broken.len()));
    }
    let named = |what: &str, names: &std::collections::BTreeSet<String>| {
        format!("{what:<16} {}   {}", names.len(), names.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    details.insert(0, named("UI components", &code.components));
    details.insert(0, named("API procedures", &code.procedures));
    details.insert(0, change.in_words().to_string());
    for check in &checks {
        if check.verdict != "no" {
            details.push(format!("{:<16} {}: {}", check.name, check.verdict, check.decided_by));
        }
    }
    let list = |names: Vec<String>| names.into_iter().map(toml::Value::from).collect::<Vec<_>>();
    let counted = |names: &std::collections::BTreeSet<String>| list(names.iter().cloned().collect());
    let verdicts: toml::Table = checks
        .iter()
        .map(|check| (check.name.to_owned(), format!("{}: {}", check.verdict, check.decided_by).into()))
        .collect();
    let lane = if change.is_breaking() { "breaking" } else { "not breaking" };
    let summary = format!("{lane}; {} procedures, {} components", code.procedures.len(), code.components.len());
    let evidence = Evidence::new(summary)
        .proven("checks", verdicts)
        .proven("tables", tables)
        .proven("procedures", counted(&code.procedures))
        .proven("components", counted(&code.components))
        .proven("broken_tests", list(broken))
        .info("tests_run", i64::try_from(ran)?)
        .info("rows", rows)
        .info("uses", i64::try_from(code.usages.len())?)
        .info("files", i64::try_from(code.files.len())?);
    if !change.is_breaking() {
        return Ok(Outcome::Passed(evidence));
    }
    let values = vec![
        ("procedures".to_owned(), code.procedures.len().to_string()),
        ("components".to_owned(), code.components.len().to_string()),
    ];
    Ok(Outcome::Decide { values, details, failure: None, evidence })
}

/// The declared operations as SQL of our own on a copy, then the base's tests.
fn break_the_old_code(world: &World<'_>, context: &StepContext<'_>, change: &Change) -> Result<(Vec<String>, usize)> {
    let targets = context.list("tests");
    let baseline = baseline(world, context, &targets)?;
    let database = world.clone_of_base(context)?;
    let mut client = world.connect(context, &database.name)?;
    for statement in render::forward(&change.operations).map_err(Failure::step)? {
        client.batch_execute(&statement).told("making the declared change on a copy")?;
    }
    drop(client);
    context.say("the base's tests on a copy with the declared change");
    let run = base_tests_on(world, context, &targets, &database.url)?;
    world.drop_database(context, &database)?;
    let results = run.proven()?;
    Ok((new_failures(results, &baseline), names(results).len()))
}

/// The seed's breaking-change checklist, each item with a verdict.
fn eight(change: &Change, rows: i64) -> Vec<Check> {
    let renames = change.operations.iter().any(|operation| matches!(operation, Operation::RenameColumn { .. }));
    let required = change
        .operations
        .iter()
        .any(|operation| matches!(operation, Operation::AddColumn { not_null: true, default: None, .. }));
    let declared = |name, yes: bool| Check {
        name,
        verdict: if yes { "yes" } else { "no" },
        decided_by: if yes { "declared".to_owned() } else { "not among the declared operations".to_owned() },
    };
    let mut checks = vec![
        declared("column rename", renames),
        declared("column delete", false),
        declared("type change", false),
        declared("not null added", false),
        declared("unique added", false),
        declared("foreign key", false),
        declared("table rename", false),
        declared("table delete", false),
    ];
    if required {
        let (verdict, decided_by) = match rows {
            0 => ("no", "select count(*): 0 rows".to_owned()),
            rows => ("only with data", format!("select count(*): {} rows have no value for it", thousands(rows))),
        };
        checks[3] = Check { name: "not null added", verdict, decided_by };
    }
    checks
}
