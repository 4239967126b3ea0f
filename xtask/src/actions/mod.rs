//! The built-in actions: thin functions that compose `pg`, `sql`, `drizzle` and `code`, one file per group of steps.
//!
//! Adding one: a function here, its row in [`ACTIONS`], a step in the workflow file, a test.

pub mod adopt;
mod apply;
mod backup;
pub mod change;
mod checklist;
mod checks;
mod code_impact;
pub mod commands;
mod contradiction;
mod data_preserved;
mod declare;
mod docs;
mod dotenv;
mod generate;
mod impact;
pub mod infer;
mod inventory;
mod mapping;
mod measure;
mod old_code;
mod only;
mod probe;
mod receipt;
pub mod rehearse;
mod report;
mod review;
mod rollback;
mod schema;
mod schema_test;
mod shadow;
mod suites;
pub mod survey;
pub mod trial;
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

// What many actions run, as the plan says it.
const CONFIG: &str = "bun run … drizzle.config.ts   (reads the configuration)";
const SCHEMA: &str = "bun run …   (reads the schema files)";
const HISTORY: &str = "bun run …   (puts snapshots together, where they are of drizzle-kit 1.x)";
const SERVER: &str = "initdb …, postgres …   (a throw-away server, once per command)";
const COPY: &str = "pg_dump …, pg_restore …   (a copy of the source on it, once per command)";
const BASE_MIGRATE: &str = "{{migrate}}   (base tree, on a copy, where something is pending)";
const MIGRATE: &str = "{{migrate}}   (on a copy)";
const TEST: &str = "{{test}} …   (the schema test, on a copy)";

pub const ACTIONS: &[Action] = &[
    Action { name: "docs.read", with: &["documents"], commands: &[], run: docs::read },
    Action { name: "inventory", with: &[], commands: &[CONFIG, SCHEMA], run: inventory::inventory },
    Action { name: "change.declare", with: &[], commands: &[CONFIG], run: declare::declare },
    Action {
        name: "change.impact",
        with: &["roots", "procedures", "components", "tests"],
        commands: &[
            CONFIG,
            SERVER,
            COPY,
            BASE_MIGRATE,
            "{{test}} {{tests}}   (base tree, before and after the change as SQL of ours)",
        ],
        run: impact::impact,
    },
    Action {
        name: "schema-test.scaffold",
        with: &["folder", "database_module", "database_name", "schema_module", "test_module"],
        commands: &[],
        run: schema_test::scaffold,
    },
    Action {
        name: "schema-test.red",
        with: &[],
        commands: &[CONFIG, SERVER, COPY, BASE_MIGRATE, TEST],
        run: schema_test::red,
    },
    Action {
        name: "schema-test.green",
        with: &[],
        commands: &[CONFIG, SERVER, COPY, MIGRATE, TEST],
        run: schema_test::green,
    },
    Action { name: "schema.implement", with: &[], commands: &[CONFIG, SCHEMA], run: schema::implement },
    Action {
        name: "schema.verify",
        with: &[],
        commands: &[CONFIG, SERVER, COPY, MIGRATE, "bun run drizzle-kit export"],
        run: schema::verify,
    },
    Action { name: "schema.annotate", with: &["schema"], commands: &[], run: schema::annotate },
    Action {
        name: "drizzle.generate",
        with: &[],
        commands: &[CONFIG, SCHEMA, "{{generate}}   (on a pseudo-terminal; with hints for drizzle-kit 1.x)"],
        run: generate::generate,
    },
    Action { name: "migration.review", with: &[], commands: &[], run: review::review },
    Action {
        name: "migration.measure",
        with: &["sizes", "repeats"],
        commands: &[CONFIG, SERVER, COPY, BASE_MIGRATE],
        run: measure::measure,
    },
    Action {
        name: "migration.apply",
        with: &["target", "max_backup_age"],
        commands: &["{{migrate}}   (on `{{target}}`)"],
        run: apply::apply,
    },
    Action {
        name: "backup",
        with: &[],
        commands: &[
            SERVER,
            "pg_dump --format=custom … --file …   (of the source)",
            "pg_restore …   (into the throw-away server)",
        ],
        run: backup::backup,
    },
    Action {
        name: "rehearse",
        with: &[],
        commands: &[CONFIG, SERVER, COPY, BASE_MIGRATE, MIGRATE],
        run: rehearse::rehearse,
    },
    Action { name: "change-set.invariant", with: &[], commands: &[], run: old_code::invariant },
    Action {
        name: "data.preserved",
        with: &[],
        commands: &[CONFIG, SERVER, COPY, BASE_MIGRATE, MIGRATE],
        run: data_preserved::preserved,
    },
    Action {
        name: "code.old",
        with: &["tests"],
        commands: &[CONFIG, SERVER, COPY, MIGRATE, "{{test}} {{tests}}   (base tree)"],
        run: old_code::old_code,
    },
    Action {
        name: "code.usages",
        with: &["roots", "procedures", "components"],
        commands: &[],
        run: code_impact::usages,
    },
    Action {
        name: "code.typecheck",
        with: &["command", "script"],
        commands: &["{{command}}   (base tree and work tree)"],
        run: typecheck::typecheck,
    },
    Action {
        name: "code.api-tests",
        with: &["suite", "root"],
        commands: &[
            CONFIG,
            SERVER,
            COPY,
            MIGRATE,
            BASE_MIGRATE,
            "{{test}} …   (the affected files under {{suite}}, base tree and work tree)",
        ],
        run: suites::api_tests,
    },
    Action {
        name: "code.suite",
        with: &["targets"],
        commands: &[CONFIG, SERVER, COPY, MIGRATE, BASE_MIGRATE, "{{test}} {{targets}}   (base tree and work tree)"],
        run: suites::suite,
    },
    Action { name: "rollback.write", with: &[], commands: &[HISTORY], run: rollback::write },
    Action {
        name: "rollback.prove",
        with: &[],
        commands: &[CONFIG, SERVER, COPY, BASE_MIGRATE, MIGRATE, "psql -X -q … < rollback_….sql   (on copies)"],
        run: rollback::prove,
    },
    Action {
        name: "seed",
        with: &["command", "script"],
        commands: &[CONFIG, SERVER, MIGRATE, "{{command}}   (on an empty database with all migrations)"],
        run: suites::seed,
    },
    Action { name: "checklist", with: &[], commands: &[], run: checklist::checklist },
    Action { name: "report", with: &[], commands: &[HISTORY], run: report::report },
];

/// What a workflow file may name.
#[must_use]
pub fn catalogue() -> Catalogue {
    Catalogue {
        actions: ACTIONS.iter().map(|action| (action.name, action.with)).collect(),
        red: vec!["schema-test.red"],
        optional: vec!["docs.read", "code.old", "code.typecheck", "code.api-tests", "code.suite", "seed"],
        findings: crate::review::known::ids().collect(),
    }
}
