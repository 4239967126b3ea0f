//! The built-in actions: thin functions that compose `pg`, `sql`, `drizzle` and `code`, one file per group of steps.
//!
//! Adding one: a function here, its row in [`ACTIONS`], a step in the workflow file, a test.

mod apply;
mod backup;
pub mod change;
mod checklist;
mod code_impact;
mod data_preserved;
mod docs;
mod dotenv;
mod generate;
mod impact;
pub mod inventory;
mod measure;
mod old_code;
mod probe;
mod rehearse;
mod report;
mod review;
mod rollback;
mod schema;
mod schema_test;
mod shadow;
mod suites;
mod typecheck;
pub mod world;

use anyhow::Result;

use crate::engine::{Outcome, StepContext};
use crate::workflow::Catalogue;
use world::World;

/// A built-in action: its name, its parameters, its work.
pub struct Action {
    pub name: &'static str,
    pub with: &'static [&'static str],
    /// The commands that its work may run, for the plan: `{{name}}` is a parameter, `(…)` says where or when.
    pub commands: &'static [&'static str],
    pub run: fn(&World<'_>, &StepContext<'_>) -> Result<Outcome>,
}

pub const ACTIONS: &[Action] = &[
    Action { name: "docs.read", with: &["documents"], commands: &[], run: docs::read },
    Action { name: "inventory", with: &[], commands: &[], run: inventory::inventory },
    Action { name: "change.declare", with: &[], commands: &[], run: change::declare },
    Action {
        name: "change.impact",
        with: &["roots", "procedures", "components", "tests"],
        commands: &[],
        run: impact::impact,
    },
    Action {
        name: "schema-test.scaffold",
        with: &["folder", "database_module", "schema_module"],
        commands: &[],
        run: schema_test::scaffold,
    },
    Action { name: "schema-test.red", with: &[], commands: &[], run: schema_test::red },
    Action { name: "schema-test.green", with: &[], commands: &[], run: schema_test::green },
    Action { name: "schema.implement", with: &[], commands: &[], run: schema::implement },
    Action { name: "schema.verify", with: &[], commands: &[], run: schema::verify },
    Action { name: "schema.annotate", with: &["schema"], commands: &[], run: schema::annotate },
    Action { name: "drizzle.generate", with: &[], commands: &[], run: generate::generate },
    Action { name: "migration.review", with: &[], commands: &[], run: review::review },
    Action { name: "migration.measure", with: &["sizes", "repeats"], commands: &[], run: measure::measure },
    Action { name: "migration.apply", with: &["target", "max_backup_age"], commands: &[], run: apply::apply },
    Action { name: "backup", with: &[], commands: &[], run: backup::backup },
    Action { name: "rehearse", with: &[], commands: &[], run: rehearse::rehearse },
    Action { name: "change-set.invariant", with: &[], commands: &[], run: old_code::invariant },
    Action { name: "data.preserved", with: &[], commands: &[], run: data_preserved::preserved },
    Action { name: "code.old", with: &["tests"], commands: &[], run: old_code::old_code },
    Action {
        name: "code.usages",
        with: &["roots", "procedures", "components"],
        commands: &[],
        run: code_impact::usages,
    },
    Action { name: "code.typecheck", with: &["script"], commands: &[], run: typecheck::typecheck },
    Action { name: "code.api-tests", with: &["suite", "root"], commands: &[], run: suites::api_tests },
    Action { name: "code.suite", with: &["targets"], commands: &[], run: suites::suite },
    Action { name: "rollback.write", with: &[], commands: &[], run: rollback::write },
    Action { name: "rollback.prove", with: &[], commands: &[], run: rollback::prove },
    Action { name: "seed", with: &["script"], commands: &[], run: suites::seed },
    Action { name: "checklist", with: &[], commands: &[], run: checklist::checklist },
    Action { name: "report", with: &[], commands: &[], run: report::report },
];

/// What a workflow file may name.
#[must_use]
pub fn catalogue() -> Catalogue {
    Catalogue {
        actions: ACTIONS.iter().map(|action| (action.name, action.with)).collect(),
        red: vec!["schema-test.red"],
    }
}
