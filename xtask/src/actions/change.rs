//! The change itself: what was declared or inferred, checked against the base, and how much process it needs.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::world::World;
use crate::drizzle::{History, Snapshot, diff, schema};
use crate::engine::StepContext;
use crate::failure::{Failure, Kind};
use crate::process::Log;
use crate::sql::{Operation, TableName, nature};
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
    /// Tables of the base that it touches; known once it was held against the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableName>,
    /// Columns that it is about, as `table.column`: where a person lets the migration repair rows, their values may change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
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
        self.operations.iter().any(nature::is_breaking)
    }

    /// The table of the base that it is about first of all.
    #[must_use]
    pub fn main_table(&self) -> Option<&TableName> {
        let named = self.operations.iter().filter_map(Operation::table).find(|table| self.tables.contains(table));
        named.or(self.tables.first())
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
    let of = |operation: &Operation| {
        let (lane, reason) = nature::lane(operation);
        (lane, if lane == Lane::Additive { reason.to_owned() } else { format!("{operation}: {reason}") })
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
    if let Some(rename) = diff::rename_candidates(&latest, &now).first() {
        return Err(ask_for_rename(rename).into());
    }
    refuse_unbuilt(&operations)?;
    Ok(Some(Change {
        title: title(&operations),
        from: "schema".to_owned(),
        operations,
        tables: Vec::new(),
        values: Vec::new(),
    }))
}

/// A name for a change that nobody gave one.
fn title(operations: &[Operation]) -> String {
    match operations {
        [Operation::AddColumn { table, column, .. }] => format!("Add {table} {column}"),
        [operation] => {
            let words: String = operation.to_string().chars().map(|c| if c == '→' { ' ' } else { c }).collect();
            let mut chars = words.chars();
            chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
        }
        _ => "Change the schema".to_owned(),
    }
}

/// The two look the same in a schema file, and only one of them keeps the data.
fn ask_for_rename(rename: &Operation) -> Failure {
    let (question, command) = match rename {
        Operation::RenameTable { table, to } => (
            format!("the table `{table}` went and `{to}` came: renamed, or dropped and created?"),
            format!("--rename-table {table}={to}"),
        ),
        Operation::RenameColumn { table, from, to } => (
            format!("`{table}.{from}` went and `{table}.{to}` came: renamed, or dropped and added?"),
            format!("--rename {table}.{from}={table}.{to}"),
        ),
        other => (other.to_string(), String::new()),
    };
    let dropped = match rename {
        Operation::RenameTable { table, to } => format!("--drop-table {table} --create-table {to}"),
        Operation::RenameColumn { table, from, to } => format!("--drop-column {table}.{from} --add {table}.{to}=TYPE"),
        _ => String::new(),
    };
    Failure::new(Kind::Waiting, question)
        .detail("the two look the same in a schema file; only one of them keeps the data")
        .hint(format!("a rename: cargo xtask db-change start {command}"))
        .hint(format!("its data is to go: cargo xtask db-change start {dropped}"))
}

/// The base's newest snapshot.
pub fn base_snapshot(world: &World<'_>, context: &StepContext<'_>) -> Result<Snapshot> {
    let project = world.base(context, &context.log_of("base"))?;
    let config = crate::drizzle::config::load(&project)?;
    History::load(&config.out)?.latest(&project)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_run_has_room_in_the_name_of_a_file() {
        let slug = |title: &str| {
            let change = Change {
                title: title.to_owned(),
                from: String::new(),
                operations: Vec::new(),
                tables: Vec::new(),
                values: Vec::new(),
            };
            change.slug()
        };
        assert_eq!(slug("Rename email"), "rename-email");
        assert_eq!(slug("é").as_str(), "change");
        assert_eq!(slug(&"a".repeat(300)), "a".repeat(60));
        assert_eq!(slug(&format!("{} {}", "a".repeat(59), "b".repeat(300))), "a".repeat(59));
        assert_eq!(slug(&format!("É{}", "ü".repeat(300))), "change");
    }
}
