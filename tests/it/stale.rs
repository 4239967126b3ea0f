//! What each kind of edit makes stale in the real workflow, on the real sample: these steps, and no others.

use std::fs;

use xtask::actions;
use xtask::actions::world::World;
use xtask::engine::files::Seen;
use xtask::engine::key::{self, Ask};
use xtask::state::{Home, Status};
use xtask::workflow::load::{load, path_of};

use crate::sample::Sample;

/// The passed steps whose key is not what it was, asked as the engine asks.
fn stale(sample: &Sample) -> Vec<String> {
    let folder = Home::at(&sample.root()).run("add-users-phone-1");
    let state = folder.load().unwrap();
    let loaded = load(&path_of(&sample.root(), "db-change"), &actions::catalogue()).unwrap();
    let world = World::new(&sample.root(), &loaded, folder, &state.base);
    let changed = |id: &str| {
        let present = state.step.get(id).filter(|step| step.status == Status::Passed);
        let step = loaded.step(id).unwrap();
        present.is_some_and(|present| {
            key::of(step, &loaded, &state, &sample.root(), &world, Ask::Everything, &mut Seen::default()).unwrap().key()
                != present.key
        })
    };
    let ids = loaded.steps().map(|(_, step)| step.id.get_ref().clone());
    ids.filter(|id| changed(id)).collect()
}

#[test]
fn an_edit_makes_the_steps_stale_that_stand_on_it_and_no_others() {
    let sample = Sample::new();
    sample.write(".env", &format!("DATABASE_URL={}\n", sample.env["DATABASE_URL"]));
    sample.patch("phone/schema.patch");
    for to in ["annotate", "measure"] {
        assert_eq!(sample.db_change(&["--to", to]).code, 0);
    }
    assert_eq!(stale(&sample), [] as [&str; 0], "a run that has just passed is stale");

    let edit = |name: &str, text: &dyn Fn(&str) -> String, wanted: &[&str]| {
        let before = sample.read(name);
        sample.write(name, &text(&before));
        assert_eq!(stale(&sample), wanted, "after an edit of {name}");
        sample.write(name, &before);
        assert_eq!(stale(&sample), [] as [&str; 0], "{name} is as it was");
    };
    let nothing: &[&str] = &[];
    let users = "packages/db/src/schema/users.ts";
    let of_schema = &["implement", "generate", "schema-test-green", "typecheck", "api-tests"];
    edit(users, &|text| text.replace("text('phone')", "text('telephone')"), of_schema);
    edit(users, &|text| format!("// for the next reader\n{text}\n/* and the one after */\n"), nothing);
    edit(users, &|text| format!("// @ts-nocheck\n{text}"), of_schema);
    edit(users, &str::to_owned, nothing);
    edit("packages/db/drizzle/0007_add_users_phone.sql", &|text| format!("{text}-- x\n"), &["generate"]);
    edit("packages/db/drizzle/meta/_journal.json", &|text| format!("{text}\n"), &["generate"]);
    edit("packages/db/drizzle/rollback_0007_add_users_phone.sql", &|text| format!("{text}-- x\n"), &["rollback-write"]);
    let test = "packages/db/tests/add-users-phone.test.ts";
    edit(test, &|text| text.replace("test(", "test.only("), &["schema-test-scaffold", "typecheck", "api-tests"]);
    edit(".cursor/rules/db-usage.mdc", &|text| format!("{text}\nNo select *.\n"), &["read-docs"]);
    let api = "packages/api/src/procedures/users/users.ts";
    edit(api, &|text| format!("{text}export const x = 1;\n"), &["usages", "typecheck", "api-tests"]);
    edit(".gitignore", &|text| format!("{text}x\n"), nothing);

    // The workflow: a budget counts for what it is compared with, a title for nothing.
    let workflow = "workflows/db-change.toml";
    edit(workflow, &|text| text.replace("title = \"Rehearse", "title = \"Try"), nothing);
    let slower = |text: &str| text.replace("migration = \"30s\"", "migration = \"40s\"");
    edit(workflow, &slower, &["measure"]);
    let older = |text: &str| text.replace("documents = [\".cursor", "documents = [\"./.cursor");
    edit(workflow, &older, &["read-docs"]);

    // Another state of the database behind the probes; rows are not a state.
    let mut client = sample.client();
    client.batch_execute("update users set name = upper(name)").unwrap();
    assert_eq!(stale(&sample), [] as [&str; 0], "rows were written");
    client.batch_execute("create table drift (id int)").unwrap();
    assert_eq!(stale(&sample), ["review", "backup", "rehearse"]);
    client.batch_execute("drop table drift").unwrap();
    assert_eq!(stale(&sample), [] as [&str; 0]);

    // What looks at the base stays fresh whatever the work tree says.
    fs::remove_dir_all(sample.path("packages/api/src")).unwrap();
    assert_eq!(stale(&sample), ["usages", "typecheck", "api-tests"]);
}
