//! `measure`: each statement timed on growing data, fitted, and estimated for production, as total and as blocked time.

use anyhow::{Context, Result};

use super::change::Change;
use super::data_preserved::coming_rules;
use super::generate::Migration;
use super::world::World;
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::numbers::thousands;
use crate::pg::error::Told;
use crate::pg::fit::{self, Estimate};
use crate::pg::lock_mode::Mode;
use crate::pg::synthetic;
use crate::pg::timing::{self, StatementTiming};
use crate::sql::{Operation, TableName, statements};
use crate::state::Evidence;
use crate::workflow::{Lane, duration};

/// One size: how many rows there were, and what each statement took.
struct Point {
    rows: i64,
    statements: Vec<StatementTiming>,
}

pub(super) fn measure(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    let change = Change::of(context)?;
    let main = change.main_table();
    let sql = Migration::of(context)?.sql()?;
    let statements: Vec<(usize, String)> =
        statements::parse(&sql).statements.into_iter().map(|statement| (statement.line, statement.text)).collect();
    let repeats = number(context, "repeats")?.unwrap_or(3);
    if context.lane() == Some(Lane::Additive) || main.is_none() {
        let trial = point(world, context, &change, main, None, &statements, repeats)?;
        if main.is_none() || trial.statements.iter().all(|statement| statement.rewrote.is_empty()) {
            return Ok(Outcome::Passed(constant(&change, &trial)));
        }
        context.set_lane(Lane::Guarded, "the trial rewrote a table");
    }
    let table = main.context("the change touches a table")?;
    let sizes: Vec<i64> = match context.value("sizes") {
        Some(sizes) => sizes.clone().try_into().map_err(|_| {
            Failure::usage(format!("`sizes` of the step `{}` is not a list of whole numbers", context.id()))
                .hint("write `with = { sizes = [10_000, 30_000, 100_000] }` in the workflow file")
        })?,
        None => vec![10_000, 30_000, 100_000],
    };
    let mut points = Vec::new();
    for size in sizes {
        context.say(&format!("{} rows in {table}", thousands(size)));
        points.push(point(world, context, &change, main, Some(size), &statements, repeats)?);
    }
    judge(world, context, table, &points)
}

fn number(context: &StepContext<'_>, name: &str) -> Result<Option<usize>> {
    match context.value(name).map(|value| value.as_integer().and_then(|value| usize::try_from(value).ok())) {
        Some(None) => {
            Err(Failure::usage(format!("`{name}` of the step `{}` is not a whole number", context.id())).into())
        }
        other => Ok(other.flatten()),
    }
}

fn point(
    world: &World<'_>,
    context: &StepContext<'_>,
    change: &Change,
    table: Option<&TableName>,
    rows: Option<i64>,
    statements: &[(usize, String)],
    repeats: usize,
) -> Result<Point> {
    let database = world.clone_of_base(context)?;
    let mut client = world.connect(context, &database.name)?;
    if let (Some(rows), Some(table)) = (rows, table) {
        coming_rules(&mut client, change, table, |client| synthetic::grow(client, table, rows).map(|_| ()))?;
    }
    let rows = match table {
        Some(table) => {
            let count = format!("select count(*) from {}", table.quoted());
            client.query_one(&count, &[]).told("counting the rows")?.get(0)
        }
        None => 0,
    };
    let statements = timing::time_statements(&mut client, statements, repeats)?;
    drop(client);
    world.drop_database(context, &database)?;
    Ok(Point { rows, statements })
}

/// A migration that only touches the catalog, or reads a table that is small.
fn constant(change: &Change, trial: &Point) -> Evidence {
    let milliseconds: f64 = trial.statements.iter().map(median).sum();
    let lock = strongest(&trial.statements).unwrap_or_else(|| "no lock".to_owned());
    let reads = |operation: &Operation| {
        matches!(operation, Operation::AddIndex { .. } | Operation::AddForeignKey { .. } | Operation::AddCheck { .. })
    };
    let (class, words) = match trial.rows {
        0 => ("constant", "constant time: no row is touched".to_owned()),
        rows if change.operations.iter().any(reads) => {
            ("small", format!("reads the table once: {} rows", thousands(rows)))
        }
        _ => ("constant", "constant time: metadata only".to_owned()),
    };
    Evidence::new(format!("{words} (trial: {lock} {milliseconds:.1} ms)"))
        .proven("class", class)
        .info("rows", trial.rows)
        .info("seconds", milliseconds / 1000.0)
}

fn judge(world: &World<'_>, context: &StepContext<'_>, table: &TableName, points: &[Point]) -> Result<Outcome> {
    let largest = points.last().context("at least one size is measured")?;
    let here = largest.rows;
    let declared =
        world.loaded.workflow.target.get("production").and_then(|target| target.rows.get(&table.to_string()));
    let production = declared.map_or(here, |rows| i64::try_from(*rows).unwrap_or(i64::MAX));
    let mut estimates: Vec<Estimate> = Vec::new();
    for (index, statement) in largest.statements.iter().enumerate() {
        let curve: Vec<(f64, f64)> =
            points.iter().map(|point| (point.rows as f64, point.statements.get(index).map_or(0.0, median))).collect();
        let text = statement.statement.to_uppercase();
        let wide = text.starts_with("UPDATE") || text.starts_with("DELETE") || text.contains("FOREIGN KEY");
        let estimate = fit::estimate(&curve, production as f64, wide);
        estimates.push(estimate.with_context(|| format!("line {} cannot be estimated", statement.line))?);
    }
    let total = |pick: fn(&Estimate) -> f64| estimates.iter().map(pick).sum::<f64>() / 1000.0;
    let (seconds, low, high) = (total(|one| one.milliseconds), total(|one| one.low), total(|one| one.high));
    // Drizzle runs everything in one transaction: what is locked once stays locked to the end.
    let from = largest
        .statements
        .iter()
        .position(|statement| statement.locks.iter().any(|lock| lock.mode == Mode::AccessExclusive));
    let blocked = from.map_or(0.0, |from| estimates[from..].iter().map(|one| one.high).sum::<f64>() / 1000.0);
    let measured: f64 = largest.statements.iter().map(median).sum::<f64>() / 1000.0;
    let rehearsed: f64 = context.proven("rehearse", "seconds")?;
    let budget = &world.loaded.workflow.budget;
    let limit = |text: &Option<toml::Spanned<String>>, default: f64| {
        text.as_ref().and_then(|text| duration::parse(text.get_ref())).map_or(default, |limit| limit.as_secs_f64())
    };
    let (whole, reads) = (limit(&budget.migration, 30.0), limit(&budget.blocked_reads, 1.0));
    let assumed =
        if declared.is_some() { "" } else { " (production's rows are not known: estimated for those measured)" };
    let summary = format!(
        "{:.2} s on {} rows; {:.1} s ({:.1}–{:.1}) on {}{assumed}",
        measured,
        thousands(here),
        seconds,
        low,
        high,
        thousands(production)
    );
    let per_statement: Vec<toml::Value> = largest
        .statements
        .iter()
        .zip(&estimates)
        .map(|(statement, estimate)| {
            let mut entry = toml::Table::new();
            entry.insert("line".to_owned(), i64::try_from(statement.line).unwrap_or_default().into());
            entry.insert("statement".to_owned(), statement.statement.clone().into());
            entry.insert("milliseconds".to_owned(), median(statement).into());
            entry.insert("estimate_milliseconds".to_owned(), estimate.milliseconds.into());
            entry.insert(
                "rewrote".to_owned(),
                statement.rewrote.iter().map(|table| table.to_string().into()).collect::<Vec<toml::Value>>().into(),
            );
            entry.into()
        })
        .collect();
    let curve: Vec<toml::Value> = points
        .iter()
        .map(|point| {
            vec![toml::Value::from(point.rows), point.statements.iter().map(median).sum::<f64>().into()].into()
        })
        .collect();
    let within = rehearsed <= whole && blocked <= reads;
    let evidence = Evidence::new(summary)
        .proven("within_budget", within)
        .proven("table", table.to_string())
        .proven("production_rows", production)
        .info("rows", here)
        .info("seconds", measured)
        .info("estimate_seconds", seconds)
        .info("estimate_low", low)
        .info("estimate_high", high)
        .info("blocked_reads_seconds", blocked)
        .info("statements", per_statement)
        .info("curve", curve);
    if within {
        return Ok(Outcome::Passed(evidence));
    }
    let values = [
        ("time", format!("{measured:.2} seconds")),
        ("rows", thousands(here)),
        ("estimated_rows", thousands(production)),
        ("estimated_time", format!("{seconds:.1} seconds ({low:.1} to {high:.1})")),
        ("downtime", format!("up to {blocked:.1} seconds without reads of `{table}`")),
    ];
    let details = largest
        .statements
        .iter()
        .zip(&estimates)
        .map(|(statement, estimate)| {
            let lock = strongest(std::slice::from_ref(statement)).unwrap_or_else(|| "no lock".to_owned());
            format!(
                "line {:<3} {:>8.1} ms, {:>8.0} ms estimated   {lock}",
                statement.line,
                median(statement),
                estimate.milliseconds
            )
        })
        .chain([format!("budget   {whole:.0} s in all on the rehearsed data, {reads:.1} s of blocked reads")])
        .collect();
    let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(Outcome::Decide { values, details, failure: None, evidence })
}

fn median(statement: &StatementTiming) -> f64 {
    fit::median(statement.milliseconds.clone())
}

/// The strongest relation lock, in PostgreSQL's words.
fn strongest(statements: &[StatementTiming]) -> Option<String> {
    let taken = statements.iter().flat_map(|statement| &statement.locks).map(|lock| lock.mode);
    taken.max().filter(|mode| *mode >= Mode::RowExclusive).map(|mode| mode.words().to_owned())
}
