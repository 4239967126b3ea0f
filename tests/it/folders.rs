//! A rename and a new column on the migration folders of drizzle-kit 1.x, end to end with a real install of it.

use std::fs;
use std::path::PathBuf;

use xtask::drizzle::{self, History, Project, diff};
use xtask::pg::url;
use xtask::process::{Run, tools};
use xtask::sql::{Operation, TableName};

use crate::changes::{PHONE, RENAME, is_summary};
use crate::sample::{Ran, Sample};

const OUT: &str = "packages/db/drizzle";

/// One of everything that a schema file can hold, named by the files or not.
const RICH: &str = r"import { sql } from 'drizzle-orm';
import { check, index, integer, numeric, pgMaterializedView, pgPolicy, pgRole, pgSchema, pgSequence, pgTable, pgView,
  primaryKey, serial, text, unique, uniqueIndex, varchar } from 'drizzle-orm/pg-core';
export const app = pgSchema('app');
export const mood = app.enum('Mood', ['sad', 'ok']);
export const seq = pgSequence('seq', { startWith: 5 });
export const reader = pgRole('reader', { createDb: true });
export const a = pgTable('a', {
  id: serial('id').primaryKey(), x: text('x').array().default(['q']), y: varchar('y', { length: 20 }).unique('my_name'),
  n: numeric('n', { precision: 5, scale: 2 }).default('1.5'), i: integer('i').generatedAlwaysAsIdentity(),
  g: text('g').generatedAlwaysAs(sql`lower(n::text)`), m: mood('m').array(),
}, (t) => [
  index().on(t.x), uniqueIndex('ui').on(t.n.desc()).where(sql`n is not null`), check('ck', sql`${t.n} > 0`),
  pgPolicy('look', { for: 'select', to: reader, using: sql`true` }), index('low').on(sql`lower(${t.y})`),
]);
export const b = app.table('b', { p: integer('p'), q: integer('q').references(() => a.id) },
  (t) => [primaryKey({ columns: [t.p, t.q] }), unique().on(t.p, t.q).nullsNotDistinct()]);
export const v = pgView('v').with({ securityInvoker: true }).as((qb) => qb.select({ id: a.id }).from(a));
export const mv = pgMaterializedView('mv').as((qb) => qb.select({ id: a.id }).from(a));
";

#[test]
fn schema_files_and_history_say_the_same_of_every_kind_of_object_and_renames_are_nothing_but_renames() {
    let sample = Sample::on_drizzle_1();
    let project = project(&sample);
    let config = drizzle::config::load(&project).unwrap();
    let rich = "packages/db/src/schema/rich.ts";
    sample.write(rich, RICH);
    let index = "packages/db/src/schema/index.ts";
    sample.write(index, &format!("{}export * from './rich';\n", sample.read(index)));
    let made = |name: &str, declared: &[Operation]| {
        let words = |operations: Vec<Operation>| operations.iter().map(ToString::to_string).collect::<Vec<_>>();
        let generated = drizzle::generate::generate(&project, &config, name, declared).unwrap();
        let latest = History::load(&config.out).unwrap().latest(&project).unwrap();
        let files = drizzle::schema::of_schema(&project, &config, None).unwrap();
        assert_eq!(words(diff::differences(&latest, &files, &[])), [] as [String; 0]);
        words(generated.operations)
    };
    let objects =
        ["table a", "table app.b", "enum app.Mood", "schema app", "sequence seq", "role reader", "view v", "view mv"];
    assert_eq!(made("rich", &[]), objects.map(|object| format!("create {object}")));
    let columns = [("public", "a", "x"), ("public", "a", "y"), ("app", "b", "p")];
    let renames = columns.map(|(schema, table, column)| {
        sample.edit(rich, &format!("('{column}'"), &format!("('{column}{column}'"));
        let table = TableName::new(schema, table);
        Operation::RenameColumn { table, from: column.to_owned(), to: format!("{column}{column}") }
    });
    assert_eq!(made("renames", &renames), renames.each_ref().map(ToString::to_string));
}

fn project(sample: &Sample) -> Project {
    let bun = tools::bun(Some(&sample.root())).unwrap().path;
    let mut project = Project::new(sample.root(), sample.path("packages/db"), bun);
    project.env.insert("DATABASE_URL".to_owned(), sample.env["DATABASE_URL"].clone());
    project
}

/// The newest migration's folder.
fn newest(sample: &Sample) -> String {
    let names = fs::read_dir(sample.path(OUT)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("20")).max().unwrap()
}

/// The expected summary, with the migration as it is called here.
fn summary(sample: &Sample, expected: &str, file: &str) -> String {
    expected.replace(file, &format!("{}/migration.sql", newest(sample)))
}

#[test]
fn changes_go_through_on_the_folders_of_drizzle_kit_1_as_they_do_on_a_journal() {
    let sample = Sample::on_drizzle_1();
    let before = sample.content();
    assert!(before.applied.iter().all(|row| row.name.is_some()), "{:?}", before.applied);
    let waits = |args: &[&str], step: &str| {
        let ran = sample.db_change(args);
        assert_eq!(ran.code, 3, "{}", ran.stderr);
        assert_eq!(ran.json()["next"]["step"], step);
    };
    let says = |args: &[&str]| assert_eq!(sample.db_change(args).code, 0);

    waits(&["start", "--title", "Rename email", "--rename", "users.email=users.email_address"], "read-docs");
    says(&["attest", "read-docs", "--by", "Developer", "--note", "read them all"]);
    waits(&[], "impact");
    says(&["answer", "impact", "2", "--reason", "small internal app, one instance"]);
    waits(&[], "schema-test-scaffold");
    waits(&[], "implement");
    sample.patch("rename/schema.patch");
    undeclared_it_is_a_question(&sample);
    waits(&[], "review");
    let sql = sample.read(&format!("{OUT}/{}/migration.sql", newest(&sample)));
    assert!(sql.contains("RENAME COLUMN \"email\" TO \"email_address\"") && !sql.contains("DROP COLUMN"), "{sql}");
    says(&["accept", "H10", "--reason", "code and database are deployed together"]);
    waits(&[], "typecheck");
    says(&["answer", "typecheck", "1", "--reason", "the compiler shows every place"]);
    sample.patch("rename/code.patch");
    // The unique constraint keeps its name and its index, so that nothing grows with the rows and nothing is asked about that.
    sample.edit("packages/db/tests/users.test.ts", "users_email_address_unique", "users_email_unique");
    waits(&[], "checklist");
    says(&["attest", "checklist", "--by", "Developer", "--note", "mail to the team"]);
    let last = sample.db_change(&[]);
    assert_eq!(last.code, 0);
    is_summary(&last.stdout, &summary(&sample, RENAME, "0007_rename_email.sql"));

    let tag = newest(&sample);
    let after = sample.content();
    assert_eq!(after.applied.last().unwrap().name.as_deref(), Some(tag.as_str()));
    let difference = before.schema.difference(&after.schema).join("\n");
    assert!(difference.contains("+ column public.users.email_address: text not null"), "{difference}");
    assert!(sample.path(&format!("{OUT}/receipts/{tag}.toml")).exists());

    // The rollback as a person runs it, on the database that was really migrated.
    let rollback = sample.read(&format!("{OUT}/{tag}/rollback.sql"));
    let psql = |text: &str| {
        let mut run = Run::new(sample.shared.postgres.tool("psql"), sample.root()).args(["-X", "-q"]);
        run.env = url::parse(&sample.env["DATABASE_URL"]).unwrap().libpq_env();
        Ran::of(&run.stdin(text))
    };
    let down = psql(&rollback);
    assert_eq!(down.code, 0, "{}", down.stderr);
    assert_eq!(before.difference(&sample.content()), [] as [String; 0]);
    assert_ne!(psql(&rollback).code, 0, "a second time it refuses");
    assert_eq!(before.difference(&sample.content()), [] as [String; 0]);

    // The next change takes the one that was taken back along: its base has it.
    sample.commit("Rename email");
    let name = "  name: text('name').notNull(),\n";
    sample.edit("packages/db/src/schema/users.ts", name, &format!("{name}  phone: text('phone'),\n"));
    says(&["--to", "implement"]);
    let torn = leave_half_a_migration(&sample);
    let ran = sample.db_change(&[]);
    assert_eq!(ran.code, 0);
    is_summary(&ran.stdout, &summary(&sample, PHONE, "0007_add_users_phone.sql"));
    assert!(!torn.exists());
    let tag = newest(&sample);
    let now = sample.content();
    assert_eq!(after.schema.difference(&now.schema), ["+ column public.users.phone: text"]);
    assert_eq!(now.applied.len(), before.applied.len() + 2);
    let inventory = sample.db_change(&["inventory", "--json"]).json();
    assert_eq!((&inventory["problems"], &inventory["pending"]), (&serde_json::json!([]), &serde_json::json!([])));
    let mut changed = sample.changed();
    changed.sort();
    assert_eq!(
        changed,
        [
            " M packages/db/src/schema/users.ts".to_owned(),
            format!("?? {OUT}/{tag}/migration.sql"),
            format!("?? {OUT}/{tag}/rollback.sql"),
            format!("?? {OUT}/{tag}/snapshot.json"),
            format!("?? {OUT}/receipts/{tag}.toml"),
            "?? packages/db/tests/add-users-phone.test.ts".to_owned(),
        ]
    );
}

/// As drizzle-kit leaves the folder when it is ended between its writes, and the runner with it: no SQL yet.
fn leave_half_a_migration(sample: &Sample) -> PathBuf {
    sample.write(".db-change/runs/add-users-phone-1/evidence/making-a-migration", "add_users_phone");
    let torn = sample.path(&format!("{OUT}/20990101000000_add_users_phone"));
    fs::create_dir(&torn).unwrap();
    fs::write(torn.join("snapshot.json"), "{").unwrap();
    torn
}

/// Without the declared rename drizzle-kit has a question, which the error tells, and the folder is as it was.
fn undeclared_it_is_a_question(sample: &Sample) {
    let before = sample.changed();
    let project = project(sample);
    let config = drizzle::config::load(&project).unwrap();
    let error = drizzle::generate::generate(&project, &config, "undeclared", &[]).unwrap_err();
    let details = xtask::failure::Failure::from_error(&error).details;
    assert_eq!(details[0], "is column public.users.email_address created or renamed from another column?");
    assert_eq!(sample.changed(), before);
}
