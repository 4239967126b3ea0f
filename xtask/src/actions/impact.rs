//! `impact`: what the change touches and breaks, with the query or the run that decided each answer.

use std::collections::BTreeSet;

use anyhow::Result;
use postgres::Client;

use super::change::Change;
use super::checks::{self, Check, Tried};
use super::code_impact;
use super::suites::{base_tests_on, baseline, names, new_failures};
use super::world::World;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::numbers::thousands;
use crate::pg::catalog::{self, TableFacts};
use crate::sql::{Operation, TableName};
use crate::state::Evidence;
use crate::workflow::Lane;

/// Rows up to which reading a table once, under a lock, is nothing that anybody feels.
const SMALL: i64 = 10_000;

pub(super) fn impact(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let before = if change.applied { Some(world.clone_of_base(context)?) } else { None };
    let mut client = match &before {
        Some(copy) => world.connect(context, &copy.name)?,
        None => world.read_source()?,
    };
    let mut touched = Touched::default();
    for table in &change.tables {
        touched.look(world, &mut client, &change, table)?;
    }
    drop(client);
    if let Some(copy) = &before {
        world.drop_database(context, copy)?;
    }
    let code = code_impact::find(world, context, &world.base(context, &context.log)?.root.clone(), &change)?;
    let old_code = old_code(world, context, &change)?;
    let checks = checks::all(&change, &old_code.tried, touched.rows);
    let breaking = !old_code.broken.is_empty() || checks.iter().any(|check| check.verdict == "yes");
    raise(context, &change, &touched, &checks, &old_code);

    let named = |what: &str, names: &BTreeSet<String>| {
        format!("{what:<16} {}   {}", names.len(), names.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    let mut details = vec![
        change.in_words(),
        named("API procedures", &code.procedures),
        named("UI components", &code.components),
        format!("the old code     {}", old_code.words),
    ];
    details.append(&mut touched.details);
    for check in checks.iter().filter(|check| check.verdict != "no") {
        details.push(format!("{:<16} {}: {}", check.name, check.verdict, check.decided_by));
    }
    let list = |names: Vec<String>| names.into_iter().map(toml::Value::from).collect::<Vec<_>>();
    let counted = |names: &BTreeSet<String>| list(names.iter().cloned().collect());
    let verdicts: toml::Table = checks
        .iter()
        .map(|check| (check.name.to_owned(), format!("{}: {}", check.verdict, check.decided_by).into()))
        .collect();
    let word = if breaking { "breaking" } else { "not breaking" };
    let summary = format!("{word}; {} procedures, {} components", code.procedures.len(), code.components.len());
    let evidence = Evidence::new(summary)
        .proven("breaking", breaking)
        .proven("checks", verdicts)
        .proven("tables", touched.tables)
        .proven("procedures", counted(&code.procedures))
        .proven("components", counted(&code.components))
        .proven("broken_tests", list(old_code.broken))
        .info("details", list(details.clone()))
        .info("tests_run", i64::try_from(old_code.ran)?)
        .info("rows", touched.rows)
        .info("uses", i64::try_from(code.usages.len())?)
        .info("files", i64::try_from(code.files.len())?);
    if !breaking {
        return Ok(Outcome::Passed(evidence));
    }
    let values = vec![
        ("procedures".to_owned(), code.procedures.len().to_string()),
        ("components".to_owned(), code.components.len().to_string()),
    ];
    Ok(Outcome::Decide { values, details, failure: None, evidence })
}

/// The tables as they are on the source.
#[derive(Default)]
struct Touched {
    tables: toml::Table,
    details: Vec<String>,
    /// Of the largest of them.
    rows: i64,
    /// The same, where production is known to hold more.
    most: i64,
}

impl Touched {
    fn look(&mut self, world: &World<'_>, client: &mut Client, change: &Change, table: &TableName) -> Result<()> {
        let facts = catalog::table(client, table)?.ok_or_else(|| {
            Failure::step(format!("`{table}` is not on the source database"))
                .hint(format!("bring the database to the base's migrations first: {}", world.shown("migrate")))
        })?;
        let production =
            world.loaded.workflow.target.get("production").and_then(|target| target.rows.get(&table.to_string()));
        let production = production.map(|rows| i64::try_from(*rows).unwrap_or(i64::MAX));
        let said = production.map_or("production: not known".to_owned(), |rows| {
            format!("{} on production (as the workflow file says)", thousands(rows))
        });
        let here = thousands(facts.rows);
        let place = match change.applied {
            true => format!("synthetic rows, as {} has it already", world.source_name()),
            false => format!("on {} (now)", world.source_name()),
        };
        self.details.push(format!("rows             {table}: {here} {place}; {said}"));
        self.rows = self.rows.max(facts.rows);
        self.most = self.most.max(facts.rows).max(production.unwrap_or(0));
        let mut depends = BTreeSet::new();
        for operation in change.operations.iter().filter(|operation| operation.table() == Some(table)) {
            depends.extend(dependants(client, operation, &facts)?);
        }
        if !depends.is_empty() {
            let list = depends.iter().cloned().collect::<Vec<_>>().join(", ");
            self.details.push(format!("depends on it    {list}"));
        }
        let mut entry = toml::Table::new();
        entry.insert("depends_on_it".to_owned(), depends.into_iter().map(toml::Value::from).collect::<Vec<_>>().into());
        self.tables.insert(table.to_string(), entry.into());
        Ok(())
    }
}

/// What else of the database hangs on what an operation changes.
fn dependants(client: &mut Client, operation: &Operation, facts: &TableFacts) -> Result<Vec<String>> {
    match operation {
        Operation::RenameColumn { table, from: column, .. }
        | Operation::DropColumn { table, column }
        | Operation::ChangeType { table, column, .. } => catalog::dependants_of_column(client, table, column),
        Operation::DropTable { .. } | Operation::RenameTable { .. } => {
            let keys = facts.foreign_keys_in.iter().map(|key| format!("foreign key {key}"));
            Ok(keys.chain(facts.views.iter().cloned()).chain(facts.functions.iter().cloned()).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// What the base's code does on a copy with the change.
struct OldCode {
    tried: Vec<Tried>,
    broken: Vec<String>,
    ran: usize,
    words: String,
}

/// The declared operations as SQL of our own on a copy, then the base's tests. A new object needs neither.
fn old_code(world: &World<'_>, context: &StepContext<'_>, change: &Change) -> Result<OldCode> {
    let decided_by_data = |operation: &Operation| matches!(operation, Operation::AddForeignKey { .. });
    if context.lane() == Some(Lane::Additive) && !change.operations.iter().any(decided_by_data) {
        let words = "unaffected: it does not know what is new".to_owned();
        return Ok(OldCode { tried: Vec::new(), broken: Vec::new(), ran: 0, words });
    }
    let database = world.clone_of_base(context)?;
    context.say("the declared change on a copy");
    let tried = checks::attempt(&mut world.connect(context, &database.name)?, &change.operations)?;
    // Old code does not know what is new: what becomes of it says nothing.
    let is_new =
        |operation: &Operation| matches!(operation, Operation::CreateTable { .. } | Operation::CreateView { .. });
    let of_old = change.operations.iter().zip(&tried).filter(|(operation, _)| !is_new(operation)).map(|(_, one)| one);
    let mut not_done = of_old.filter(|one| !matches!(one, Tried::Done | Tried::NoRow));
    let judged = match not_done.next() {
        Some(Tried::Refused { sqlstate, .. }) => {
            Err(format!("not judged: the change cannot be made on this data ({sqlstate})"))
        }
        Some(Tried::NoSql) => {
            Err("not judged here: there is no SQL of ours for the change; `old-code` runs it after the rehearsal"
                .to_owned())
        }
        Some(Tried::Done | Tried::NoRow) | None => Ok(()),
    };
    let targets = context.list("tests");
    let result = match judged {
        Err(words) => OldCode { tried, broken: Vec::new(), ran: 0, words },
        Ok(()) if targets.is_empty() => {
            let words = "not judged: the workflow file names no tests for this step".to_owned();
            OldCode { tried, broken: Vec::new(), ran: 0, words }
        }
        Ok(()) => {
            let baseline = baseline(world, context, &targets)?;
            context.say("the base's tests on a copy with the declared change");
            let run = base_tests_on(world, context, &targets, &database.url)?;
            let results = run.proven()?;
            let (broken, ran) = (new_failures(results, &baseline), names(results).len());
            let words = format!("{} of {ran} base tests fail when the change is made", broken.len());
            OldCode { tried, broken, ran, words }
        }
    };
    world.drop_database(context, &database)?;
    Ok(result)
}

/// Whether the analysis found that something breaks: by the operations, on the rows, or in the old code's tests.
pub(super) fn is_breaking(context: &StepContext<'_>) -> bool {
    // A run that was analysed by an earlier version did not write it down.
    context.proven("impact", "breaking").unwrap_or(context.lane() == Some(Lane::Breaking))
}

/// What was found can ask for more process than the operations alone, never for less.
fn raise(context: &StepContext<'_>, change: &Change, touched: &Touched, checks: &[Check], old_code: &OldCode) {
    let raise = |lane: Lane, reason: String| context.set_lane(lane, reason);
    if let Some(check) = checks.iter().find(|check| check.verdict == "only with data") {
        raise(Lane::Guarded, format!("{}: {}", check.name, check.decided_by));
    }
    if let Some(check) = checks.iter().find(|check| check.name == checks::FOREIGN_KEY && check.verdict == "not judged")
    {
        raise(Lane::Guarded, format!("{}: not judged: {}", check.name, check.decided_by));
    }
    let reads = |operation: &&Operation| {
        matches!(operation, Operation::AddIndex { .. } | Operation::AddForeignKey { .. } | Operation::AddCheck { .. })
    };
    if let Some(operation) = change.operations.iter().find(reads)
        && touched.most > SMALL
    {
        let rows = thousands(touched.most);
        raise(Lane::Guarded, format!("{operation}: {rows} rows are read while others wait"));
    }
    if let Some(check) = checks.iter().find(|check| check.verdict == "yes") {
        raise(Lane::Breaking, format!("{}: {}", check.name, check.decided_by));
    }
    if !old_code.broken.is_empty() {
        raise(Lane::Breaking, format!("the old code: {}", old_code.words));
    }
}
