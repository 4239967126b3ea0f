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
    pub run: fn(&World<'_>, &StepContext<'_>) -> Result<Outcome>,
}

pub const ACTIONS: &[Action] = &[
    Action { name: "docs.read", with: &["documents"], run: docs::read },
    Action { name: "inventory", with: &[], run: inventory::inventory },
    Action { name: "change.declare", with: &[], run: change::declare },
    Action { name: "change.impact", with: &["roots", "procedures", "components", "tests"], run: impact::impact },
    Action {
        name: "schema-test.scaffold",
        with: &["folder", "database_module", "schema_module"],
        run: schema_test::scaffold,
    },
    Action { name: "schema-test.red", with: &[], run: schema_test::red },
    Action { name: "schema-test.green", with: &[], run: schema_test::green },
    Action { name: "schema.implement", with: &[], run: schema::implement },
    Action { name: "schema.verify", with: &[], run: schema::verify },
    Action { name: "schema.annotate", with: &["schema"], run: schema::annotate },
    Action { name: "drizzle.generate", with: &[], run: generate::generate },
    Action { name: "migration.review", with: &[], run: review::review },
    Action { name: "migration.measure", with: &["sizes", "repeats"], run: measure::measure },
    Action { name: "migration.apply", with: &["target", "max_backup_age"], run: apply::apply },
    Action { name: "backup", with: &[], run: backup::backup },
    Action { name: "rehearse", with: &[], run: rehearse::rehearse },
    Action { name: "change-set.invariant", with: &[], run: old_code::invariant },
    Action { name: "data.preserved", with: &[], run: data_preserved::preserved },
    Action { name: "code.old", with: &["tests"], run: old_code::old_code },
    Action { name: "code.usages", with: &["roots", "procedures", "components"], run: code_impact::usages },
    Action { name: "code.typecheck", with: &["script"], run: typecheck::typecheck },
    Action { name: "code.api-tests", with: &["suite", "root"], run: suites::api_tests },
    Action { name: "code.suite", with: &["targets"], run: suites::suite },
    Action { name: "rollback.write", with: &[], run: rollback::write },
    Action { name: "rollback.prove", with: &[], run: rollback::prove },
    Action { name: "seed", with: &["script"], run: suites::seed },
    Action { name: "checklist", with: &[], run: checklist::checklist },
    Action { name: "report", with: &[], run: report::report },
];

/// What a workflow file may name.
#[must_use]
pub fn catalogue() -> Catalogue {
    Catalogue {
        actions: ACTIONS.iter().map(|action| (action.name, action.with)).collect(),
        red: vec!["schema-test.red"],
    }
}
