//! The change itself: what was declared or inferred, checked against the base, and how much process it needs.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::world::World;
use crate::drizzle::{History, Snapshot};
use crate::engine::StepContext;
use crate::failure::Failure;
use crate::sql::{Operation, TableName, nature};
use crate::workflow::Lane;

/// Of a slug; it is ASCII.
const LONGEST: usize = 60;

/// The declared intent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub title: String,
    pub from: Origin,
    #[serde(rename = "operation")]
    pub operations: Vec<Operation>,
    /// Tables of the base that it touches; known once it was held against the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableName>,
    /// Columns that it is about, as `table.column`: where a person lets the migration repair rows, their values may change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The migration that was there before the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<String>,
    /// Whether the source database had it applied by then: no copy of that shows what it was like before.
    #[serde(default)]
    pub applied: bool,
    /// The commit whose tree the run works in, where the work tree holds later migrations too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
}

/// Who said first what the change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    Flags,
    File,
    /// Asked at a terminal.
    Questions,
    /// Edited schema files.
    Schema,
    /// A migration that was generated and not committed yet.
    Generated,
    /// A migration of a commit.
    Commit,
}

impl Change {
    #[must_use]
    pub fn new(title: String, from: Origin, operations: Vec<Operation>) -> Self {
        let (tables, values) = (Vec::new(), Vec::new());
        Change { title, from, operations, tables, values, migration: None, applied: false, tree: None }
    }

    /// Read off files: nobody has said it yet.
    #[must_use]
    pub fn is_inferred(&self) -> bool {
        matches!(self.from, Origin::Schema | Origin::Generated | Origin::Commit)
    }

    /// What it was read from, in words.
    #[must_use]
    pub fn source(&self) -> String {
        let tag = self.migration.as_deref().unwrap_or("the migration");
        match self.from {
            Origin::Flags => "the command line".to_owned(),
            Origin::File => "a file".to_owned(),
            Origin::Questions => "your answers".to_owned(),
            Origin::Schema => "the schema files".to_owned(),
            Origin::Generated | Origin::Commit => format!("{tag}.sql and its snapshots"),
        }
    }

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

    /// Whether the source database had the run's migration before the run began.
    #[must_use]
    pub fn was_applied(context: &StepContext<'_>) -> bool {
        context.state.declared.get("applied").and_then(toml::Value::as_bool).unwrap_or_default()
    }

    pub fn from_table(table: &toml::Table) -> Result<Change> {
        toml::Value::Table(table.clone()).try_into().context("reading the declared change")
    }

    pub fn to_table(&self) -> Result<toml::Table> {
        toml::Table::try_from(self).context("describing the change")
    }

    /// The table of the base that it is about first of all.
    #[must_use]
    pub fn main_table(&self) -> Option<&TableName> {
        let named = self.operations.iter().filter_map(Operation::table).find(|table| self.tables.contains(table));
        named.or(self.tables.first())
    }

    /// Every table that it is about: those of the base, those that it brings, and renamed ones by their new name too.
    #[must_use]
    pub fn all_tables(&self) -> BTreeSet<TableName> {
        let mut all: BTreeSet<TableName> = self.tables.iter().cloned().collect();
        for operation in &self.operations {
            all.extend(operation.table().cloned());
            if let Operation::RenameTable { table, to } = operation {
                all.insert(table.beside(to));
            }
        }
        all
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
        let slug = |title: &str| Change::new(title.to_owned(), Origin::Flags, Vec::new()).slug();
        assert_eq!(slug("Rename email"), "rename-email");
        assert_eq!(slug("é").as_str(), "change");
        assert_eq!(slug(&"a".repeat(300)), "a".repeat(60));
        assert_eq!(slug(&format!("{} {}", "a".repeat(59), "b".repeat(300))), "a".repeat(59));
        assert_eq!(slug(&format!("É{}", "ü".repeat(300))), "change");
    }
}
