//! The sample repo of `tests/monorepo` in a folder of its own, with a real database, driven by the real binary.
//!
//! All samples that live at one time share a server; each has a database of its own, cloned from one that the real
//! `db:migrate` and `tests/changes/rows.sql` made. The server ends with the last sample that uses it: statics are never
//! dropped, so only a weak reference stands in one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use postgres::Client;
use serde_json::Value;
use tempfile::TempDir;
use xtask::pg::checksum::{self, Checksums};
use xtask::pg::fingerprint::{self, Fingerprint};
use xtask::pg::migrations;
use xtask::pg::server::{Server, Settings};
use xtask::process::Run;
use xtask::process::environment;
use xtask::process::tools::{self, Postgres, Wanted};
use xtask::sql::TableName;

/// A copy of the sample repo: committed, packages installed, its database filled with 10,000 users.
pub(crate) struct Sample {
    pub(crate) shared: Arc<Shared>,
    pub(crate) database: String,
    /// What the children get beside the allow-list; `DATABASE_URL` stands in it from the start.
    pub(crate) env: BTreeMap<String, String>,
    folder: TempDir,
}

/// What a command of the sample ended with.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The server that samples share, with the filled template on it.
pub(crate) struct Shared {
    pub(crate) server: Server,
    pub(crate) postgres: Postgres,
    pub(crate) clones: AtomicU32,
}

/// The schema, the data and the applied migrations of a database.
pub(crate) struct Content {
    pub(crate) schema: Fingerprint,
    pub(crate) data: Checksums,
    pub(crate) applied: Vec<migrations::Applied>,
}

static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());

const TEMPLATE: &str = "template";

pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

impl Sample {
    pub(crate) fn new() -> Sample {
        Sample::on(Shared::get())
    }

    /// With a server of its own, for a test that kills it.
    pub(crate) fn alone() -> Sample {
        Sample::on(Arc::new(Shared::start()))
    }

    /// As a team has it that went over to drizzle-kit 1.x: history converted, what that kit spells otherwise in a migration of its
    /// own, all applied and committed.
    pub(crate) fn on_drizzle_1() -> Sample {
        let sample = Sample::without_git_on(Shared::get());
        for package in ["packages/db/package.json", "packages/api/package.json"] {
            sample.edit(package, "\"drizzle-orm\": \"0.45.4\"", "\"drizzle-orm\": \"1.0.0-rc.5\"");
        }
        sample.edit("packages/db/package.json", "\"drizzle-kit\": \"0.31.11\"", "\"drizzle-kit\": \"1.0.0-rc.5\"");
        sample.edit("packages/db/src/index.ts", "drizzle(client, { schema })", "drizzle({ client })");
        sample.edit("packages/db/src/index.ts", "import * as schema from './schema';\n", "");
        let bun = tools::bun(Some(&sample.root())).unwrap().path;
        for args in [
            ["install"].as_slice(),
            &["run", "drizzle-kit", "up"],
            &["run", "db:generate", "--name", "as_drizzle_1_spells_it"],
            &["run", "db:migrate"],
        ] {
            let mut run = Run::new(&bun, sample.path("packages/db")).args(args.iter().copied());
            run = run.env("DATABASE_URL", sample.env["DATABASE_URL"].clone());
            let ran = Ran::of(&run.env("PATH", tools::path_with(&[bun.parent().unwrap()])));
            assert_eq!(ran.code, 0, "{args:?}: {}{}", ran.stdout, ran.stderr);
        }
        sample.begin();
        sample
    }

    fn on(shared: Arc<Shared>) -> Sample {
        let sample = Sample::without_git_on(shared);
        sample.begin();
        sample
    }

    /// Makes it a repository of one commit.
    fn begin(&self) {
        self.git(&["init", "--quiet", "--initial-branch=main"]);
        self.commit("the sample repo");
    }

    /// The same folder before anyone made it a repository.
    pub(crate) fn without_git() -> Sample {
        Sample::without_git_on(Shared::get())
    }

    fn without_git_on(shared: Arc<Shared>) -> Sample {
        let folder = tempfile::Builder::new().prefix("sample-").tempdir().unwrap();
        let root = folder.path().join("ownfit");
        prepare(&root);
        signer(folder.path(), &root);
        let database = format!("ownfit_{}", shared.clones.fetch_add(1, Ordering::Relaxed));
        shared.server.clone_database(TEMPLATE, &database).unwrap();
        let state = folder.path().join("state").display().to_string();
        let mut env = BTreeMap::from([
            ("DATABASE_URL".to_owned(), shared.server.url(&database)),
            ("XDG_STATE_HOME".to_owned(), state),
        ]);
        env.extend(environment::var("PG_BIN").map(|bin| ("PG_BIN".to_owned(), bin)));
        Sample { shared, database, env, folder }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("ownfit")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Everything that belongs to this sample: the repo and its private state.
    pub(crate) fn everything(&self) -> &Path {
        self.folder.path()
    }

    /// `cargo xtask ARGS` in the repo, without a terminal.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        // A test is nobody at a terminal: what a person says is signed.
        let key = self.everything().join("signer").display().to_string();
        let is_word = args.get(1).is_some_and(|word| ["answer", "attest", "accept"].contains(word));
        let signed: &[&str] = if is_word { &["--sign", &key] } else { &[] };
        self.run_unsigned(&[args, signed].concat())
    }

    pub(crate) fn run_unsigned(&self, args: &[&str]) -> Ran {
        let ran = Ran::of(&self.command(args));
        // Shown where the test fails.
        eprintln!("$ cargo xtask {}\n{}{}[exit {}]\n", args.join(" "), ran.stdout, ran.stderr, ran.code);
        ran
    }

    pub(crate) fn db_change(&self, args: &[&str]) -> Ran {
        self.run(&[&["db-change"], args].concat())
    }

    pub(crate) fn command(&self, args: &[&str]) -> Run {
        let mut run = Run::new(env!("CARGO_BIN_EXE_xtask"), self.root()).args(args.iter().copied());
        run.env.clone_from(&self.env);
        run
    }

    pub(crate) fn status(&self) -> Value {
        Ran::of(&self.command(&["db-change", "status", "--json"])).json()
    }

    /// The status of one step, in the words of `status --json`.
    pub(crate) fn step(&self, id: &str) -> String {
        let status = self.status();
        let steps = status["phases"].as_array().unwrap().iter().flat_map(|phase| phase["steps"].as_array().unwrap());
        let step = steps.into_iter().find(|step| step["id"] == id).unwrap();
        step["status"].as_str().unwrap().to_owned()
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let who = ["-c", "user.name=Sample Developer", "-c", "user.email=developer@example.com"];
        let ran = Ran::of(&Run::new("git", self.root()).args(who).args(args.iter().copied()));
        assert_eq!(ran.code, 0, "git {args:?}: {}", ran.stderr);
        ran.stdout
    }

    pub(crate) fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    /// `git status`, one line a file.
    pub(crate) fn changed(&self) -> Vec<String> {
        self.git(&["status", "--porcelain", "--untracked-files=all"]).lines().map(str::to_owned).collect()
    }

    /// `git apply tests/changes/NAME`
    pub(crate) fn patch(&self, name: &str) {
        let path = project().join("tests/changes").join(name);
        self.git(&["apply", &path.display().to_string()]);
    }

    /// Replaces text that must be there.
    pub(crate) fn edit(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "`{from}` is not in {file}");
        self.write(file, &text.replacen(from, to, 1));
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        fs::write(self.path(file), text).unwrap();
    }

    /// A session of the superuser on the development database.
    pub(crate) fn client(&self) -> Client {
        self.shared.server.connect(&self.database).unwrap()
    }

    pub(crate) fn content(&self) -> Content {
        let mut client = self.client();
        let skip = [TableName::new("drizzle", "__drizzle_migrations")];
        let options = fingerprint::Options { skip_tables: skip.to_vec(), ..fingerprint::Options::default() };
        Content {
            schema: fingerprint::take(&mut client, &options).unwrap(),
            data: checksum::take(&mut client, &skip).unwrap(),
            applied: migrations::applied(&mut client, "drizzle", "__drizzle_migrations").unwrap().unwrap(),
        }
    }

    /// Every file below the repo (but for packages and git's own) and the private state, as text.
    pub(crate) fn written(&self) -> Vec<(PathBuf, String)> {
        let mut found = Vec::new();
        let mut open = vec![self.everything().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() && !["node_modules", ".git"].contains(&entry.file_name().to_str().unwrap()) {
                    open.push(entry.path());
                } else if kind.is_file() {
                    let text = String::from_utf8_lossy(&fs::read(entry.path()).unwrap()).into_owned();
                    found.push((entry.path(), text));
                }
            }
        }
        found
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        // The server may be gone already where a test took it away.
        let _ = self.shared.server.drop_database(&self.database);
    }
}

impl Ran {
    pub(crate) fn of(run: &Run) -> Ran {
        let output = run.run().unwrap();
        Ran { code: output.code(), stdout: output.stdout, stderr: output.stderr }
    }

    /// The one JSON object on stdout.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.trim_end().lines().count(), 1, "one line on stdout: {}", self.stdout);
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Ended with this code and one error that has these texts and a hint.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, code, "{}", self.stderr);
        let errors = self.stderr.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(errors, 1, "one error: {}", self.stderr);
        let what_to_do = ["\nhint: ", " waits for you; ", "\nnext  "];
        assert!(what_to_do.iter().any(|text| self.stderr.contains(text)), "what to do: {}", self.stderr);
        assert!(!self.stderr.contains("a bug of ours"), "{}", self.stderr);
        for text in texts {
            assert!(self.stderr.contains(text), "`{text}` is not in: {}", self.stderr);
        }
    }
}

impl Content {
    /// What differs, in words; the rows of the migrations table are compared too.
    pub(crate) fn difference(&self, other: &Content) -> Vec<String> {
        let mut words = self.schema.difference(&other.schema);
        words.extend(checksum::compare(&self.data, &other.data, &checksum::Mapping::default()).unwrap());
        if self.applied != other.applied {
            words.push(format!("{} migrations applied, then {}", self.applied.len(), other.applied.len()));
        }
        words
    }
}

impl Shared {
    pub(crate) fn get() -> Arc<Shared> {
        let mut slot = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(shared) = slot.upgrade() {
            return shared;
        }
        let shared = Arc::new(Shared::start());
        *slot = Arc::downgrade(&shared);
        shared
    }

    fn start() -> Shared {
        let postgres = tools::postgres(&Wanted::default()).unwrap();
        let server = Server::start(&postgres, &Settings::default()).unwrap();
        server.create_database(TEMPLATE).unwrap();
        let folder = tempfile::Builder::new().prefix("sample-").tempdir().unwrap();
        let bun = prepare(folder.path());
        let mut migrate = Run::new(&bun, folder.path().join("packages/db")).args(["run", "db:migrate"]);
        migrate = migrate.env("DATABASE_URL", server.url(TEMPLATE));
        // The scripts of packages call `bun` by name.
        migrate = migrate.env("PATH", tools::path_with(&[bun.parent().unwrap()]));
        let ran = Ran::of(&migrate);
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        let rows = fs::read_to_string(project().join("tests/changes/rows.sql")).unwrap();
        server.connect(TEMPLATE).unwrap().batch_execute(&rows).unwrap();
        Shared { server, postgres, clones: AtomicU32::new(0) }
    }
}

/// A key outside the repo, which its commits allow to sign.
pub(crate) fn signer(folder: &Path, root: &Path) {
    let make = ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", "signer"];
    assert_eq!(Ran::of(&Run::new("ssh-keygen", folder).args(make)).code, 0, "no key");
    let public = fs::read_to_string(folder.join("signer.pub")).unwrap();
    fs::write(root.join("workflows/allowed_signers"), format!("developer@example.com {public}")).unwrap();
}

/// The sample and its workflow file in `folder`, packages installed; where bun is.
fn prepare(folder: &Path) -> PathBuf {
    copy(&project().join("tests/monorepo"), folder);
    fs::create_dir_all(folder.join("workflows")).unwrap();
    fs::copy(project().join("workflows/db-change.toml"), folder.join("workflows/db-change.toml")).unwrap();
    let bun = tools::bun(Some(folder)).unwrap().path;
    let ran = Ran::of(&Run::new(&bun, folder).args(["install", "--frozen-lockfile"]));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    bun
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let name = entry.file_name();
        if name == "node_modules" || name == ".db-change" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(name));
        } else {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}
