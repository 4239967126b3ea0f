//! Repos that differ from the sample in every way that is a variable: each is adopted by `init`, and a change goes through it
//! with its own tools. The repos lie in `tests/layouts`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;
use xtask::actions;
use xtask::process::tools::{self, path_with};
use xtask::process::{Command, Run, environment};
use xtask::workflow::{self, Loaded};

use crate::sample::{Ran, Sample, Shared, copy, project, signer};

/// A repo of `tests/layouts`: committed, packages installed, with an empty database of its own.
struct Layout {
    shared: Arc<Shared>,
    database: String,
    env: BTreeMap<String, String>,
    folder: TempDir,
}

/// What a test knows of a layout that `init` has to find out.
struct Known {
    name: &'static str,
    install: &'static str,
    url: &'static str,
}

const PNPM: Known = Known { name: "pnpm-vitest", install: "pnpm install --frozen-lockfile", url: "POSTGRES_URL" };
const OWN: Known = Known { name: "own-migrator", install: "bun install --frozen-lockfile", url: "NOTES_DB_URI" };
const TURBO: Known = Known { name: "turbo", install: "bun install --frozen-lockfile", url: "DATABASE_URL" };
const SINGLE: Known = Known { name: "single", install: "bun install --frozen-lockfile", url: "KIOSK_DB_URL" };
const NPM: Known = Known { name: "npm-root", install: "npm ci --no-audit --no-fund", url: "LEDGER_DATABASE_URL" };

impl Layout {
    fn new(known: &Known) -> Layout {
        let shared = Shared::get();
        let folder = tempfile::Builder::new().prefix("layout-").tempdir().unwrap();
        let root = folder.path().join("repo");
        copy(&project().join("tests/layouts").join(known.name), &root);
        let database = format!("layout_{}", shared.clones.fetch_add(1, Ordering::Relaxed));
        shared.server.create_database(&database).unwrap();
        let mut env = BTreeMap::from([
            (known.url.to_owned(), shared.server.url(&database)),
            ("XDG_STATE_HOME".to_owned(), folder.path().join("state").display().to_string()),
            ("CI".to_owned(), "1".to_owned()),
        ]);
        if known.install.starts_with("pnpm") {
            env.insert("PATH".to_owned(), path_with(&[&pnpm()]));
        }
        let layout = Layout { shared, database, env, folder };
        layout.own(known.install, Path::new(""));
        layout.git(&["init", "--quiet", "--initial-branch=main"]);
        layout.commit("the repo before its adoption");
        layout
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// A command of the repo's own.
    fn own(&self, text: &str, folder: &Path) {
        let bun = tools::bun(None).unwrap().path;
        let (root, command) = (self.root(), Command::parse(text).unwrap());
        let ran = Ran::of(&command.run(&bun, &root, &root.join(folder), &self.env).unwrap());
        assert_eq!(ran.code, 0, "{text}: {}{}", ran.stdout, ran.stderr);
    }

    fn xtask(&self, args: &[&str]) -> Ran {
        let mut run = Run::new(env!("CARGO_BIN_EXE_xtask"), self.root()).args(args.iter().copied());
        run.env.clone_from(&self.env);
        let ran = Ran::of(&run);
        eprintln!("$ cargo xtask {}\n{}{}[exit {}]\n", args.join(" "), ran.stdout, ran.stderr, ran.code);
        ran
    }

    fn git(&self, args: &[&str]) -> String {
        let who = ["-c", "user.name=Sample Developer", "-c", "user.email=developer@example.com"];
        let ran = Ran::of(&Run::new("git", self.root()).args(who).args(args.iter().copied()));
        assert_eq!(ran.code, 0, "git {args:?}: {}", ran.stderr);
        ran.stdout
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    fn edit(&self, file: &str, from: &str, to: &str) {
        let path = self.root().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "`{from}` is not in {file}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    fn workflow(&self) -> Loaded {
        workflow::load(&self.root().join("workflows/db-change.toml"), &actions::catalogue()).unwrap()
    }

    /// Adopts the repo: a dry run, the adoption, nothing to do; then its own migrations on its database, and a commit.
    fn adopt(&self) -> Loaded {
        let dry = self.xtask(&["init", ".", "--dry-run"]);
        assert_eq!(dry.code, 0);
        assert!(dry.stdout.contains("--- workflows/db-change.toml (new)"), "{}", dry.stdout);
        let wide = dry.stdout.split("\nfiles\n").next().unwrap().lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None);
        assert_eq!(self.git(&["status", "--porcelain"]), "", "a dry run writes nothing");
        assert_eq!(self.xtask(&["init", ".", "--merge"]).code, 0);
        let again = self.xtask(&["init", "."]);
        assert_eq!(again.code, 0);
        assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
        let loaded = self.workflow();
        let var = |name: &str| loaded.var(name).unwrap().to_owned();
        self.own(&var("migrate"), Path::new(&var("migrate_in")));
        signer(self.folder.path(), &self.root());
        self.commit("adopt the workflow");
        loaded
    }

    fn status(&self) -> Value {
        let ran = self.xtask(&["db-change", "status", "--json"]);
        ran.json()
    }

    /// Steps that were skipped because the repo has nothing for them, with the reason that is shown.
    fn off(&self) -> Vec<(String, String)> {
        let status = self.status();
        let steps = status["phases"].as_array().unwrap().iter().flat_map(|phase| phase["steps"].as_array().unwrap());
        let off = steps.filter_map(|step| {
            let reason = step["reason"].as_str()?.strip_prefix("off: ")?;
            Some((step["id"].as_str()?.to_owned(), reason.to_owned()))
        });
        off.collect()
    }

    /// Takes an edited schema from the start to applied, and sees the column in the development database.
    fn applies(&self, table: &str, column: &str) {
        let ran = self.xtask(&["db-change"]);
        assert_eq!(ran.code, 0);
        assert!(ran.stdout.contains(&format!("Schema: {table}.{column} modified")), "{}", ran.stdout);
        let mut client = self.shared.server.connect(&self.database).unwrap();
        let found = client
            .query(
                "select 1 from information_schema.columns where table_name = $1 and column_name = $2",
                &[&table, &column],
            )
            .unwrap();
        assert_eq!(found.len(), 1, "{table}.{column} is in the database");
    }

    fn rows(&self, sql: &str) {
        self.shared.server.connect(&self.database).unwrap().batch_execute(sql).unwrap();
    }
}

impl Drop for Layout {
    fn drop(&mut self) {
        let _ = self.shared.server.drop_database(&self.database);
    }
}

/// pnpm as `npm install --global pnpm` gives it, kept between runs of the tests.
fn pnpm() -> PathBuf {
    static ONCE: Mutex<()> = Mutex::new(());
    let _one = ONCE.lock().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pnpm-10.34.9");
    let bin = folder.join("node_modules/.bin");
    if !bin.join("pnpm").exists() {
        fs::create_dir_all(&folder).unwrap();
        let args = ["install", "--no-audit", "--no-fund", "--prefix", ".", "pnpm@10.34.9"];
        let ran = Ran::of(&Run::new("npm", &folder).args(args));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    bin
}

fn vars<'a>(loaded: &'a Loaded, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| loaded.var(name).unwrap_or("none")).collect()
}

#[test]
fn pnpm_and_vitest_with_a_glob_of_schema_files_and_a_database_of_another_name() {
    let layout = Layout::new(&PNPM);
    let loaded = layout.adopt();
    assert_eq!(
        vars(
            &loaded,
            &["generate", "migrate", "install", "database_module", "database_name", "schema_module", "test_in"]
        ),
        [
            "pnpm run migrations:make --name {{name}}",
            "pnpm run migrations:apply",
            "pnpm install --frozen-lockfile",
            "../src",
            "database",
            "../src/tables/accounts ../src/tables/orders",
            "package",
        ]
    );
    assert_eq!(loaded.workflow.target["dev"].url_env, "POSTGRES_URL");
    layout.rows("insert into accounts (email) values ('a@acme.example'), ('b@acme.example')");
    layout.edit("libs/database/src/tables/orders.ts", "state: text", "note: text('note'),\n  state: text");
    layout.applies("orders", "note");
    let off = layout.off();
    let off: Vec<&str> = off.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(off, ["read-docs", "seed"]);
}

#[test]
fn an_own_migrator_on_node_postgres_with_its_own_table_a_single_schema_file_and_times_as_prefixes() {
    let layout = Layout::new(&OWN);
    let loaded = layout.adopt();
    assert_eq!(
        vars(&loaded, &["db_package", "schema_glob", "generate", "migrate", "migrate_in", "api_package", "seed"]),
        ["store", "store/src/schema.ts", "bun run make --name {{name}}", "bun run migrate", "store", "none", "none"]
    );
    layout.rows("insert into notes (body) values ('first')");
    layout.edit(
        "store/src/schema.ts",
        "body: text('body').notNull(),",
        "body: text('body').notNull(),\n  place: text('place'),",
    );
    layout.applies("notes", "place");
    let mut client = layout.shared.server.connect(&layout.database).unwrap();
    let applied = client.query_one("select count(*) from bookkeeping.applied", &[]).unwrap();
    assert_eq!(applied.get::<_, i64>(0), 2);
    let off = [
        ("read-docs", "no conventions about the database are written down"),
        ("typecheck", "no script checks types"),
        ("api-tests", "there is no API package"),
        ("api-suite", "there is no API package"),
        ("seed", "no script fills an empty database"),
    ];
    assert_eq!(layout.off(), off.map(|(step, reason)| (step.to_owned(), reason.to_owned())));

    // A migration from before the adoption is as it was, or `init` says so.
    let sql = "store/migrations/20260105090000_notes.sql";
    layout.edit(sql, "CREATE TABLE", "CREATE  TABLE");
    layout.xtask(&["init", "."]).fails(1, &["20260105090000_notes: its SQL was edited since"]);
}

#[test]
#[ignore = "npm installs everything twice: cargo xtask test --full"]
fn npm_with_chained_scripts_in_the_root_that_take_no_name() {
    let layout = Layout::new(&NPM);
    let loaded = layout.adopt();
    assert_eq!(
        vars(
            &loaded,
            &["generate", "scripts_in", "drizzle_in", "install", "migrations_dir", "database_module", "test_in"]
        ),
        ["npm run migrations", ".", ".", "npm ci", "packages/models/migrations", "./index.js", "."]
    );
    layout.rows("insert into entries (amount) values (1), (2)");
    layout.edit(
        "packages/models/src/schema/entries.ts",
        "amount: bigint('amount', { mode: 'number' }).notNull(),",
        "amount: bigint('amount', { mode: 'number' }).notNull(),\n  booked: bigint('booked', { mode: 'number' }),",
    );
    layout.applies("entries", "booked");
}

#[test]
fn turbo_in_front_of_the_scripts_and_a_declared_rename_to_its_rehearsal_and_on() {
    let layout = Layout::new(&TURBO);
    let loaded = layout.adopt();
    assert_eq!(
        vars(&loaded, &["generate", "scripts_in", "typecheck", "seed", "api_package", "database_module", "test_in"]),
        [
            "bun run db:generate --name {{name}}",
            "packages/data",
            "bun run typecheck --continue",
            "bun run --cwd packages/data db:seed",
            "apps/server",
            "@harbour/data",
            "package",
        ]
    );
    let told = layout.xtask(&["init", "."]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains("`db:generate` of the root goes through turbo, where drizzle-kit has no terminal"), "{told}");
    layout.rows("insert into ships (title) values ('Anna'), ('Berta')");

    layout.git(&["switch", "--quiet", "--create", "rename"]);
    let (rehearsed, asked) = renames(&layout, &["--to", "rehearse"]);
    assert_eq!(rehearsed.code, 0);
    assert_eq!(
        asked,
        ["read-docs attestation", "impact decision", "schema-test-scaffold edit", "implement edit", "review decision"]
    );
    let sql = fs::read_to_string(layout.root().join("packages/data/drizzle/0001_rename_title.sql")).unwrap();
    assert!(sql.contains("RENAME COLUMN \"title\" TO \"name\""), "{sql}");
    let mut client = layout.shared.server.connect(&layout.database).unwrap();
    client.batch_execute("select title from ships").unwrap();

    let (applied, asked) = renames(&layout, &[]);
    assert_eq!(applied.code, 0);
    assert_eq!(asked, ["typecheck decision", "checklist attestation"]);
    client.batch_execute("select name from ships").unwrap();
}

/// Goes on with the rename of `ships.title`, and says what a developer says; gives what was asked.
fn renames(layout: &Layout, go: &[&str]) -> (Ran, Vec<String>) {
    let start = ["start", "--title", "Rename title", "--rename", "ships.title=ships.name"];
    let first = if layout.xtask(&["db-change", "status"]).code == 0 { &[][..] } else { &start };
    let mut ran = layout.xtask(&[&["db-change"], first, go, &["--json"]].concat());
    let mut asked = Vec::new();
    while ran.code == 3 {
        let last: Value = serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
        let (step, kind) = (last["next"]["step"].as_str().unwrap(), last["next"]["kind"].as_str().unwrap());
        let ask = format!("{step} {kind}");
        assert!(!asked.contains(&ask), "asked twice: {last}");
        asked.push(ask);
        let key = layout.folder.path().join("signer").display().to_string();
        let signed = ["--sign", key.as_str()];
        let says = |args: &[&str]| assert_eq!(layout.xtask(&[&["db-change"], args, &signed].concat()).code, 0);
        match step {
            "read-docs" | "checklist" => says(&["attest", step, "--by", "D", "--note", "done"]),
            "impact" => {
                let details = last["next"]["details"].to_string();
                assert!(details.contains("2 of 4 base tests fail"), "the tests of two packages: {details}");
                says(&["answer", step, "2", "--reason", "one server"]);
            }
            "review" => says(&["accept", "H10", "--reason", "deployed together"]),
            "implement" => {
                layout.edit("packages/data/src/schema/ships.ts", "title: text('title')", "name: text('name')")
            }
            "typecheck" => {
                assert!(last["next"]["question"].as_str().unwrap().contains("affects 3 files"), "{last}");
                assert!(ran.stderr.contains("\n  apps/server/src/arrivals.ts:6:"), "turbo's prefix: {}", ran.stderr);
                says(&["answer", step, "1", "--reason", "the compiler shows every place"]);
                layout.edit("packages/data/src/seed.ts", "title:", "name:");
                layout.edit("packages/data/src/ships.test.ts", "title: 'Berta'", "name: 'Berta'");
                layout.edit("packages/data/src/ships.test.ts", "ship?.title", "ship?.name");
                layout.edit("apps/server/src/arrivals.ts", "values({ title })", "values({ name: title })");
                layout.edit("apps/server/src/arrivals.ts", "ship?.title", "ship?.name");
            }
            _ => {}
        }
        ran = layout.xtask(&[&["db-change"], go, &["--json"]].concat());
    }
    (ran, asked)
}

#[test]
fn one_package_without_scripts_in_a_cargo_workspace_whose_files_are_only_added_to_when_allowed() {
    let layout = Layout::new(&SINGLE);
    let ran = layout.xtask(&["init", "."]);
    assert_eq!(ran.code, 3);
    for text in [
        "Cargo.toml, in `members` of `[workspace]`:\n    \"xtask\",",
        ".cargo/config.toml, at its end:\n    [alias]\n    xtask = \"run --quiet --package kiosk-xtask --bin xtask --\"",
        ".gitignore, at its end:\n    /target",
    ] {
        assert!(ran.stderr.contains(text), "`{text}` is not in: {}", ran.stderr);
    }
    assert_eq!(layout.git(&["status", "--porcelain"]), "?? workflows/\n?? xtask/\n", "what exists is untouched");
    layout.git(&["clean", "--quiet", "--force", "-d"]);

    let loaded = layout.adopt();
    assert_eq!(
        vars(&loaded, &["db_package", "schema_glob", "generate", "database_module", "schema_module", "typecheck"]),
        [
            ".",
            "src/db/**/*.ts",
            "bunx drizzle-kit generate --name {{name}}",
            "~/db",
            "~/db/items ../src/db/sales",
            "bun run types",
        ]
    );
    let cargo = fs::read_to_string(layout.root().join("Cargo.toml")).unwrap();
    assert_eq!(cargo, "[workspace]\nmembers = [\n  \"xtask\",\n  \"tools/*\",\n]\nresolver = \"3\"\n");
    layout.rows("insert into items (label) values ('tea')");
    layout.edit("src/db/sales.ts", "soldAt:", "price: integer('price'),\n  soldAt:");
    layout.applies("sales", "price");
    let test = fs::read_to_string(layout.root().join("tests/add-sales-price.test.ts")).unwrap();
    assert!(test.contains("const schema = { ...tables1, ...tables2 };"), "{test}");
}

#[test]
fn for_the_sample_the_workflow_file_is_that_of_this_project() {
    let sample = Sample::new();
    fs::remove_file(sample.path("workflows/db-change.toml")).unwrap();
    assert_eq!(sample.run(&["init", ".", "--merge"]).code, 0);
    let ours = fs::read_to_string(project().join("workflows/db-change.toml")).unwrap();
    // How many rows production has is not found in any repo.
    let without = |text: &str| {
        let (before, rest) = text.split_once("# Asked by `review`").unwrap();
        format!("{before}{}", rest.split_once("\n\n").unwrap().1)
    };
    assert_eq!(without(&sample.read("workflows/db-change.toml")), without(&ours));
    let baseline: toml::Table = toml::from_str(&sample.read("workflows/baseline.toml")).unwrap();
    assert_eq!(baseline["migration"].as_array().unwrap().len(), 7);
}

#[test]
fn the_thin_crate_is_built_by_the_alias_and_is_this_program() {
    let layout = Layout::new(&OWN);
    layout.adopt();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().display().to_string();
    let mut run = Run::new("cargo", layout.root()).args(["xtask", "doctor"]).env("CARGO_TARGET_DIR", target);
    run = run.env("CARGO_NET_OFFLINE", "true");
    // The toolchain and the sources that this was built with: what is built already serves again.
    let known = ["RUSTUP_TOOLCHAIN", "RUSTUP_HOME", "CARGO_HOME"].map(|name| (name, environment::var(name)));
    run.env.extend(known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    let ran = Ran::of(&run);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("ok drizzle-kit"), "{}", ran.stdout);
    let changed = layout.git(&["status", "--porcelain"]);
    assert_eq!(changed, " M Cargo.lock\n", "cargo takes out of the lock file what is not needed");
}
