//! `demo`: the sample repo through the whole workflow, with the real tools, and the developer played by this file.
//!
//! Every word of the developer is shown as the command that a person would type; every edit is a patch that can be read.

use std::fs;
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::cli::{Change, Demo};
use crate::failure::{Failure, Kind};
use crate::pg::server::{Server, Settings};
use crate::process::spawn::end_group;
use crate::process::tools::{self, Tool, Wanted};
use crate::process::{Run, interrupt, places};
use crate::report::terminal::{data, print};
use crate::workflow::duration;

/// What the played developer answers where the run waits.
const SAYS: &[(&str, &str, &[&str])] = &[
    ("read-docs", "attestation", &["attest", "read-docs", "--by", "Demo Developer", "--note", "read them all"]),
    ("impact", "decision", &["answer", "impact", "2", "--reason", "small internal app, one instance"]),
    (
        "review",
        "decision",
        &["accept", "H10", "H33", "H81", "--reason", "code and database are deployed together, on a Sunday"],
    ),
    ("typecheck", "decision", &["answer", "typecheck", "1", "--reason", "the compiler shows every place"]),
    ("measure", "decision", &["answer", "measure", "3", "--reason", "Sunday 06:00, five minutes are announced"]),
    (
        "checklist",
        "attestation",
        &["attest", "checklist", "--by", "Demo Developer", "--note", "mail to the team, alert on 42703"],
    ),
];

/// What the played developer adds to the test that was scaffolded.
const OWN_TEST: &str = r"
test('rename column users.email → email_address: the view of active users shows the new name', async () => {
  const rows = await db.execute(
    sql`select column_name from information_schema.columns where table_name = 'active_users' and column_name = 'email_address'`,
  );
  expect(rows.length).toBe(1);
});
";

/// The prepared sample, with its database.
struct Stage {
    folder: PathBuf,
    patches: PathBuf,
    server: Server,
    bun: Tool,
    /// Beside the folder; its public half is an allowed signer of the base commit.
    key: PathBuf,
    started: Instant,
}

pub(super) fn demo(demo: &Demo) -> Result<u8> {
    let stage = prepare(demo)?;
    if demo.serve {
        return serve(&stage, demo.change);
    }
    play(&stage, demo.change)?;
    let folder = shown(&stage.folder);
    print(&format!(
        "\nThe whole workflow took {}. Everything it left is in {folder}:\n\
         \x20 cd {folder}\n\
         \x20 git status                               migration, rollback, test, receipt\n\
         \x20 cargo xtask db-change status             every step and its proof\n\
         \x20 cargo xtask db-change why rehearse       what one of them proved\n\
         \x20 cargo xtask db-change report --format md\n\
         To drive it by hand: cargo xtask demo --serve\n",
        duration::human(stage.started.elapsed())
    ));
    Ok(0)
}

fn workspace() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?.to_owned();
    if !root.join("tests/monorepo").is_dir() {
        return Err(Failure::usage("the sample repo is not here: `demo` runs in a clone of this project").into());
    }
    Ok(root)
}

fn prepare(demo: &Demo) -> Result<Stage> {
    let started = Instant::now();
    let root = workspace()?;
    let name = if demo.change == Change::Rename { "rename" } else { "phone" };
    let folder = root.join("target/demo").join(name);
    let show = Progress::new();
    show.say(&format!("copying the sample repo to {}", shown(&folder)));
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing the last demo in `{}`", folder.display()))?;
    }
    copy(&root.join("tests/monorepo"), &folder)?;
    let private = places::state(&folder)?;
    fs::remove_dir_all(&private).with_context(|| format!("removing `{}`", private.display()))?;
    fs::create_dir_all(folder.join("workflows"))?;
    fs::copy(root.join("workflows/db-change.toml"), folder.join("workflows/db-change.toml"))?;
    show.say("finding the tools, or fetching them once");
    let bun = tools::bun(Some(&folder))?;
    let postgres = tools::postgres(&Wanted::default())?;
    show.say(&format!(
        "bun {} ({}), PostgreSQL {} ({})",
        bun.version, bun.found_in, postgres.version, postgres.found_in
    ));
    show.say("bun install");
    sure(&Run::new(&bun.path, &folder).args(["install", "--frozen-lockfile"]))?;
    show.say("starting a server with 10,000 users");
    let server = Server::start(&postgres, &Settings::default())?;
    server.create_database("ownfit")?;
    let url = server.url("ownfit");
    fs::write(folder.join(".env"), format!("DATABASE_URL={url}\n"))?;
    let mut migrate =
        Run::new(&bun.path, folder.join("packages/db")).args(["run", "db:migrate"]).env("DATABASE_URL", &url);
    migrate.env.insert("PATH".to_owned(), tools::path_with(&[bun.path.parent().unwrap_or(Path::new("/"))]));
    sure(&migrate)?;
    let rows = fs::read_to_string(root.join("tests/changes/rows.sql"))?;
    server.connect("ownfit")?.batch_execute(&rows).context("filling the sample's database")?;
    let key = throw_away_key(&folder)?;
    show.say("making it a git repo");
    for args in [
        ["init", "--quiet", "--initial-branch=main"].as_slice(),
        &["config", "user.name", "Demo Developer"],
        &["config", "user.email", "developer@example.com"],
        &["add", "--all"],
        &["commit", "--quiet", "--message", "the sample repo"],
    ] {
        sure(&Run::new("git", &folder).args(args.iter().copied()))?;
    }
    show.end();
    Ok(Stage { patches: root.join("tests/changes").join(name), folder, server, bun, key, started })
}

/// The played developer signs what only a person may say; nobody is at the demo's terminal.
fn throw_away_key(folder: &Path) -> Result<PathBuf> {
    let key = folder.with_extension("key");
    for old in [key.clone(), key.with_extension("key.pub")] {
        if old.exists() {
            fs::remove_file(&old).with_context(|| format!("removing `{}`", old.display()))?;
        }
    }
    let make = ["-q", "-t", "ed25519", "-N", "", "-C", "demo", "-f"];
    sure(&Run::new("ssh-keygen", folder).args(make).arg(key.as_os_str()))?;
    let public = fs::read_to_string(key.with_extension("key.pub")).context("reading the key that was just made")?;
    fs::write(folder.join("workflows/allowed_signers"), format!("developer@example.com {public}"))?;
    Ok(key)
}

/// Keeps the database up for someone who drives by hand.
fn serve(stage: &Stage, change: Change) -> Result<u8> {
    let folder = shown(&stage.folder);
    let begin = match change {
        Change::Rename => {
            "cargo xtask db-change start --title \"Rename email\" --rename users.email=users.email_address"
        }
        Change::Phone => "git apply ../../../tests/changes/phone/schema.patch && cargo xtask db-change",
    };
    print(&format!(
        "\nThe sample is ready, and its database is up on port {} until you press Ctrl-C.\nIn another terminal:\n  cd {folder}\n  {begin}\n\
         What only a person may say is said at a terminal; from a script, sign it: --sign {}\n",
        stage.server.port(),
        shown(&stage.key)
    ));
    while !interrupt::requested() {
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(0)
}

/// Goes on and answers until the run is done. A stop that the developer has no word for is an error.
fn play(stage: &Stage, change: Change) -> Result<()> {
    let mut said: Vec<String> = Vec::new();
    let first: &[&str] = match change {
        Change::Rename => &["start", "--title", "Rename email", "--rename", "users.email=users.email_address"],
        Change::Phone => {
            stage.edit("schema.patch")?;
            &[]
        }
    };
    let mut code = stage.db_change(first)?;
    while code == i32::from(Kind::Waiting.exit_code()) {
        let next = stage.next()?;
        let field = |name: &str| next[name].as_str().unwrap_or_default().to_owned();
        let (step, kind) = (field("step"), field("kind"));
        let key = format!("{step} {kind}");
        if said.contains(&key) {
            return Err(Failure::step(format!("the demo waits at `{step}` ({kind}) a second time")).into());
        }
        said.push(key);
        match (step.as_str(), kind.as_str()) {
            ("schema-test-scaffold", "edit") => stage.own_test()?,
            ("implement", "edit") => stage.edit("schema.patch")?,
            _ => {
                let word = SAYS.iter().find(|(at, of, _)| *at == step && *of == kind);
                let (_, _, args) = word.with_context(|| format!("the demo has no word for `{step}` ({kind})"))?;
                let key = format!("../{}", stage.key.file_name().unwrap_or_default().to_string_lossy());
                let signed: &[&str] = if field("by") == "person" { &["--sign", &key] } else { &[] };
                expect(stage.db_change(&[*args, signed].concat())?, 0)?;
                if step == "typecheck" {
                    stage.edit("code.patch")?;
                }
            }
        }
        code = stage.db_change(&[])?;
    }
    expect(code, 0)
}

impl Stage {
    /// Runs `cargo xtask db-change …` as a person would, its output going where ours goes.
    fn db_change(&self, args: &[&str]) -> Result<i32> {
        let typed: Vec<String> =
            args.iter().map(|arg| if arg.contains(' ') { format!("\"{arg}\"") } else { (*arg).to_owned() }).collect();
        print(&format!("\n$ cargo xtask db-change {}\n", typed.join(" ")).replace(" \n", "\n"));
        let mut run = self.child(args)?;
        // The question as JSON is for programs; the person in this play reads the page on stderr.
        let last = args.is_empty() || args[0] == "start";
        run.stdin(Stdio::null()).stderr(Stdio::inherit()).stdout(if last { Stdio::piped() } else { Stdio::inherit() });
        let mut child = run.spawn().context("starting db-change")?;
        let reader = child.stdout.take().map(|pipe| {
            std::thread::spawn(move || {
                for line in std::io::BufReader::new(pipe).lines().map_while(Result::ok) {
                    if !line.starts_with('{') {
                        data(&format!("{line}\n"));
                    }
                }
            })
        });
        loop {
            if let Some(status) = child.try_wait()? {
                if let Some(reader) = reader {
                    let _ = reader.join();
                }
                return status.code().context("db-change was ended by a signal");
            }
            if interrupt::requested() {
                end_group(&mut child);
                return Err(Failure::step("interrupted").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn child(&self, args: &[&str]) -> Result<std::process::Command> {
        let program = std::env::current_exe().context("this program's own path")?;
        let mut run = Run::new(program, &self.folder).arg("db-change").args(args.iter().copied());
        let folder = self.bun.path.parent().unwrap_or(Path::new("/"));
        run.env.insert("PATH".to_owned(), tools::path_with(&[folder]));
        if let Some(bin) = crate::process::environment::var("PG_BIN") {
            run.env.insert("PG_BIN".to_owned(), bin);
        }
        if let Some(terminal) = crate::process::environment::var("TERM") {
            run.env.insert("TERM".to_owned(), terminal);
        }
        Ok(run.command())
    }

    /// What the run waits for, as a program reads it.
    fn next(&self) -> Result<Value> {
        let output = self.child(&["status", "--json"])?.output().context("asking for the status")?;
        let status: Value = serde_json::from_slice(&output.stdout).context("reading the status")?;
        Ok(status["next"].clone())
    }

    fn edit(&self, patch: &str) -> Result<()> {
        let path = self.patches.join(patch);
        print(&format!("\n# the developer edits: git apply {}\n", shown(&path)));
        sure(&Run::new("git", &self.folder).arg("apply").arg(&path))
    }

    /// The developer looks at the scaffolded test and adds what only they know.
    fn own_test(&self) -> Result<()> {
        let path = self.folder.join("packages/db/tests/rename-email.test.ts");
        print(&format!("\n# the developer adds a test of their own to {}\n", shown(&path)));
        let text = fs::read_to_string(&path)?;
        Ok(fs::write(&path, format!("{text}{OWN_TEST}"))?)
    }
}

fn expect(code: i32, wanted: i32) -> Result<()> {
    if code == wanted {
        return Ok(());
    }
    Err(Failure::step(format!("the demo expected exit code {wanted} and got {code}"))
        .hint("what it says is above; the folder is left as it is")
        .into())
}

/// Runs a command of the preparation; its output is shown where it fails.
fn sure(run: &Run) -> Result<()> {
    let output = run.run()?;
    if output.success() {
        return Ok(());
    }
    Err(Failure::environment(format!("`{}` failed with exit code {}", run.display(), output.code()))
        .detail(output.tail(12))
        .into())
}

/// As a person in the project's folder types it.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("reading `{}`", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        if name == "node_modules" || name == ".db-change" {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

/// A spinner at a terminal, plain lines elsewhere.
struct Progress(Option<ProgressBar>);

impl Progress {
    fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Progress(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress(Some(bar))
    }

    fn say(&self, text: &str) {
        match &self.0 {
            Some(bar) => bar.set_message(text.to_owned()),
            None => print(&format!("demo: {text}\n")),
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
