//! The change itself: what was declared or inferred, checked against the base, and how much process it needs.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::world::World;
use crate::drizzle::{History, Snapshot, diff, schema};
use crate::engine::{Outcome, StepContext};
use crate::failure::Failure;
use crate::process::Log;
use crate::sql::Operation;
use crate::state::Evidence;
use crate::workflow::Lane;

/// Of a slug; it is ASCII.
const LONGEST: usize = 60;

/// The declared intent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub title: String,
    /// `flags`, `file` or `schema` (inferred from edited schema files).
    pub from: String,
    #[serde(rename = "operation")]
    pub operations: Vec<Operation>,
}

impl Change {
    /// `rename-email`: names the run and the test file.
    #[must_use]
    pub fn slug(&self) -> String {
        let words: String =
            self.title.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
        let slug = words.split_whitespace().take(6).collect::<Vec<_>>().join("-");
        // It stands in names of files, which have their limit.
        let slug = slug[..LONGEST.min(slug.len())].trim_end_matches('-');
        if slug.is_empty() { "change".to_owned() } else { slug.to_owned() }
    }

    /// The change that a run carries.
    pub fn of(context: &StepContext<'_>) -> Result<Change> {
        context.proven("declare", "change")
    }

    pub fn from_table(table: &toml::Table) -> Result<Change> {
        toml::Value::Table(table.clone()).try_into().context("reading the declared change")
    }

    pub fn to_table(&self) -> Result<toml::Table> {
        toml::Table::try_from(self).context("describing the change")
    }

    #[must_use]
    pub fn is_breaking(&self) -> bool {
        self.operations.iter().any(Operation::is_breaking)
    }

    /// The operations, as a list for people.
    #[must_use]
    pub fn in_words(&self) -> String {
        self.operations.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// The lane that the operations alone ask for; data can only raise it.
#[must_use]
pub fn lane(operations: &[Operation]) -> (Lane, String) {
    let of = |operation: &Operation| match operation {
        Operation::AddColumn { not_null: false, default: None, .. } => {
            (Lane::Additive, "no data touched, old code unaffected".to_owned())
        }
        Operation::AddColumn { not_null: false, default: Some(_), .. } => {
            (Lane::Guarded, format!("{operation}: the default decides whether the table is rewritten"))
        }
        Operation::AddColumn { not_null: true, .. } => {
            (Lane::Guarded, format!("{operation}: depends on the rows that are there"))
        }
        Operation::RenameColumn { .. } => (Lane::Breaking, format!("{operation}: old code uses the old name")),
        Operation::Other { .. } => (Lane::Breaking, operation.to_string()),
    };
    operations
        .iter()
        .map(of)
        .max_by_key(|(lane, _)| *lane)
        .unwrap_or((Lane::Breaking, "nothing is declared".to_owned()))
}

/// What can be carried through the workflow today.
pub fn refuse_unbuilt(operations: &[Operation]) -> Result<()> {
    let Some(operation) = operations.iter().find(|operation| matches!(operation, Operation::Other { .. })) else {
        return Ok(());
    };
    Err(Failure::step(format!("this kind of change is not built yet: {operation}"))
        .detail("built so far: columns added, columns renamed")
        .hint("take it out of the schema files, or leave this workflow: cargo xtask db-change abort --reason TEXT")
        .into())
}

/// What the edited schema files say, compared with the newest migration; none where they say the same.
///
/// Errors: a column that went while another came may be a rename, which only a person can say.
pub fn infer(world: &World<'_>) -> Result<Option<Change>> {
    let project = world.work(&Log::at(world.folder.log_stem(0, "infer")))?;
    let config = world.config()?;
    let latest = History::load(&config.out)?.latest(&project)?;
    let now = schema::of_schema(&project, config, Some(latest.id()))?;
    let operations = diff::differences(&latest, &now, &[]);
    if operations.is_empty() {
        return Ok(None);
    }
    let renames = diff::rename_candidates(&latest, &now);
    if let Some(Operation::RenameColumn { table, from, to }) = renames.first() {
        return Err(Failure::new(
            crate::failure::Kind::Waiting,
            format!("`{table}.{from}` went and `{table}.{to}` came: renamed, or dropped and added?"),
        )
        .detail("the two look the same in a schema file; only one of them keeps the data")
        .hint(format!("a rename: cargo xtask db-change start --rename {table}.{from}={table}.{to}"))
        .into());
    }
    refuse_unbuilt(&operations)?;
    let title = match operations.as_slice() {
        [Operation::AddColumn { table, column, .. }] => format!("Add {table} {column}"),
        _ => "Change the schema".to_owned(),
    };
    Ok(Some(Change { title, from: "schema".to_owned(), operations }))
}

/// The base's newest snapshot.
pub fn base_snapshot(world: &World<'_>, context: &StepContext<'_>) -> Result<Snapshot> {
    let project = world.base(context, &context.log_of("base"))?;
    let config = crate::drizzle::config::load(&project)?;
    History::load(&config.out)?.latest(&project)
}

/// The step `declare`: every operation names objects that exist, and none that would be in its way.
pub(super) fn declare(world: &World<'_>, context: &StepContext<'_>) -> Result<Outcome> {
    if context.state.declared.is_empty() {
        return Err(Failure::usage(format!("a run of `{}` declares no change", context.state.workflow))
            .detail("a schema change is started with `db-change`, and goes by the workflow of that name")
            .hint("cargo xtask db-change start --help")
            .into());
    }
    let change = Change::from_table(&context.state.declared)?;
    refuse_unbuilt(&change.operations)?;
    let base = base_snapshot(world, context)?;
    let mut seen = Vec::new();
    for operation in &change.operations {
        check(operation, &base)?;
        if seen.contains(&operation) {
            return Err(Failure::usage(format!("declared twice: {operation}")).into());
        }
        seen.push(operation);
    }
    let breaking = change.operations.iter().filter(|operation| operation.is_breaking()).count();
    if breaking > 1 {
        return Err(Failure::step(format!("{breaking} breaking operations in one migration"))
            .detail(change.in_words())
            .hint("never more than one: abort this run and declare them one after the other")
            .into());
    }
    let (lane, reason) = lane(&change.operations);
    context.set_lane(lane, reason);
    let words = change.in_words();
    let from = if change.from == "schema" { "   inferred from the schema files" } else { "" };
    Ok(Outcome::Passed(Evidence::new(format!("{words}{from}")).proven("change", change.to_table()?)))
}

fn check(operation: &Operation, base: &Snapshot) -> Result<()> {
    let table = operation.table();
    if base.table(table).is_none() {
        let known = base.tables().iter().map(ToString::to_string).collect::<Vec<_>>();
        let failure = Failure::usage(format!("there is no table `{table}` on the base"));
        return Err(guessed(failure, &table.to_string(), &known, "its tables").into());
    }
    let has = |column: &str| base.column(table, column).is_some();
    let missing = |column: &str| {
        let failure = Failure::usage(format!("`{table}` has no column `{column}` on the base"));
        guessed(failure, column, &base.columns(table), "its columns")
    };
    let taken = |column: &str| Failure::usage(format!("`{table}` has a column `{column}` already")).hint(DECLARE_AGAIN);
    match operation {
        Operation::RenameColumn { from, .. } if !has(from) => Err(missing(from).into()),
        Operation::RenameColumn { to: column, .. } | Operation::AddColumn { column, .. } if has(column) => {
            Err(taken(column).into())
        }
        _ => Ok(()),
    }
}

const DECLARE_AGAIN: &str =
    "end this run and declare the change again: cargo xtask db-change abort --reason TEXT, then start";

/// With what was probably meant, else with all there is.
fn guessed<S: AsRef<str>>(failure: Failure, unknown: &str, known: &[S], all: &str) -> Failure {
    let known: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    let guess = crate::workflow::diagnostic::did_you_mean(unknown, known.iter());
    failure.hint(guess.unwrap_or_else(|| format!("{all}: {}", known.join(", ")))).hint(DECLARE_AGAIN)
}

/// `users.email=users.email_address` as typed at a flag.
pub fn parse_rename(text: &str) -> Result<Operation> {
    let wrong = || {
        Failure::usage(format!("`{text}` is not a rename"))
            .hint("write it as table.old=table.new: users.email=users.email_address")
    };
    let (old, new) = text.split_once('=').ok_or_else(wrong)?;
    let ((old_table, from), (new_table, to)) =
        (old.rsplit_once('.').ok_or_else(wrong)?, new.rsplit_once('.').ok_or_else(wrong)?);
    if old_table != new_table || from.is_empty() || to.is_empty() || from == to {
        return Err(wrong().into());
    }
    Ok(Operation::RenameColumn { table: old_table.to_owned().into(), from: from.to_owned(), to: to.to_owned() })
}

/// `users.phone=text` as typed at a flag.
pub fn parse_add(text: &str) -> Result<Operation> {
    let wrong = || {
        Failure::usage(format!("`{text}` is not a new column")).hint("write it as table.column=type: users.phone=text")
    };
    let (name, data_type) = text.split_once('=').ok_or_else(wrong)?;
    let (table, column) = name.rsplit_once('.').ok_or_else(wrong)?;
    if table.is_empty() || column.is_empty() || data_type.is_empty() {
        return Err(wrong().into());
    }
    Ok(Operation::AddColumn {
        table: table.to_owned().into(),
        column: column.to_owned(),
        data_type: data_type.to_owned(),
        not_null: false,
        default: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_run_has_room_in_the_name_of_a_file() {
        let slug = |title: &str| Change { title: title.to_owned(), from: String::new(), operations: Vec::new() }.slug();
        assert_eq!(slug("Rename email"), "rename-email");
        assert_eq!(slug("é").as_str(), "change");
        assert_eq!(slug(&"a".repeat(300)), "a".repeat(60));
        assert_eq!(slug(&format!("{} {}", "a".repeat(59), "b".repeat(300))), "a".repeat(59));
        assert_eq!(slug(&format!("É{}", "ü".repeat(300))), "change");
    }
}
