//! A throw-away repo and the built program in it, so that a new test is five lines:
//!
//! ```ignore
//! let repo = Repo::new();
//! repo.workflow("w", &(noting("build", &[]) + &shell("test", &["build"], "exit 3", "")));
//! repo.xtask(&["run", "w"]).run().expect(1).says(&["held up by: test"]);
//! assert_eq!(repo.trace(), "build test");
//! ```
//!
//! Invariant: nothing outside the repo's own temporary folder is read or written; the environment is that of `xtask`, the
//! program is told no more than PATH, a home of its own and what the test adds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A git repo with a `package.json` and one commit on `main`.
pub struct Repo {
    folder: TempDir,
}

/// The program, about to be run.
pub struct Xtask {
    command: Command,
}

/// How it ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Repo {
    pub fn new() -> Self {
        let repo = Repo { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(repo.root().join("workflows")).unwrap();
        fs::create_dir_all(repo.home()).unwrap();
        repo.write("package.json", "{ \"name\": \"sample\", \"private\": true }\n");
        repo.write(".gitignore", "/trace\n");
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.git(&["config", "user.name", "Ada"]);
        repo.git(&["config", "user.email", "ada@example.test"]);
        repo.commit("begin");
        repo
    }

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    /// The content of a file; nothing where there is none.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Writes `workflows/NAME.toml`: the head, one phase, and the steps given.
    pub fn workflow(&self, name: &str, steps: &str) {
        let head = format!("schema = \"1.0\"\nname = \"{name}\"\n\n[[phase]]\nid = \"all\"\ntitle = \"All\"\n\n");
        self.write(&format!("workflows/{name}.toml"), &(head + steps));
    }

    /// Takes the words that the steps have written to `trace` since the last time.
    pub fn trace(&self) -> String {
        let words = self.read("trace").split_whitespace().collect::<Vec<_>>().join(" ");
        let _ = fs::remove_file(self.path("trace"));
        words
    }

    pub fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    pub fn git(&self, args: &[&str]) {
        let status = command("git", &self.home(), &self.root()).args(args).status().unwrap();
        assert!(status.success(), "git {args:?}");
    }

    pub fn xtask(&self, args: &[&str]) -> Xtask {
        let mut command = command(env!("CARGO_BIN_EXE_xtask"), &self.home(), &self.root());
        command.args(args);
        Xtask { command }
    }

    /// The state file of a run, as it stands on disk at this moment.
    pub fn state(&self, run: &str) -> toml::Table {
        toml::from_str(&self.read(&format!(".db-change/runs/{run}/state.toml"))).expect("the state file can be read")
    }

    /// Writes a file of `.db-change` as the program itself would have sealed it.
    pub fn write_sealed(&self, name: &str, text: &str) {
        let sealed = xtask::state::seal::seal(&self.path(".db-change"), name, text).unwrap();
        self.write(&format!(".db-change/{name}"), &sealed);
    }

    /// A file of `.db-change` without its seal.
    pub fn read_unsealed(&self, name: &str) -> String {
        let sealed = self.read(&format!(".db-change/{name}"));
        xtask::state::seal::unseal(&self.path(".db-change"), name, &sealed).unwrap().to_owned()
    }

    /// The status of a step in the state file of a run.
    pub fn status(&self, run: &str, step: &str) -> String {
        self.field(run, step, "status")
    }

    /// As [`Repo::status`], where the run may not have begun yet.
    pub fn status_if_any(&self, run: &str, step: &str) -> String {
        let begun = self.path(&format!(".db-change/runs/{run}/state.toml")).exists();
        if begun { self.status(run, step) } else { String::new() }
    }

    /// A text of a step in the state file of a run; nothing where it has none.
    pub fn field(&self, run: &str, step: &str, field: &str) -> String {
        let state = self.state(run);
        let value = state.get("step").and_then(|steps| steps.get(step)?.get(field)?.as_str().map(str::to_owned));
        value.unwrap_or_default()
    }
}

impl Xtask {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn cwd(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    pub fn run(mut self) -> Done {
        Done::of(self.command.output().unwrap())
    }

    /// Starts it and goes on; the streams are kept for [`Running::wait`].
    pub fn start(mut self) -> Running {
        Running { child: self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap() }
    }
}

/// A program at work.
pub struct Running {
    child: Child,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it prints from now on; it is not in what [`Running::wait`] tells.
    pub fn stdout(&mut self) -> std::process::ChildStdout {
        self.child.stdout.take().unwrap()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(pid(self.child.id()), signal).unwrap();
    }

    pub fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end; one that never ends is killed, so that the test can say so.
    pub fn wait(mut self) -> Done {
        let limit = Instant::now() + LIMIT;
        while self.child.try_wait().unwrap().is_none() {
            if Instant::now() > limit {
                self.child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Done::of(self.child.wait_with_output().unwrap())
    }
}

impl Done {
    fn of(output: std::process::Output) -> Self {
        Done {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails the test with everything that was printed.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails unless stderr holds all these words.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.stderr.contains(word), "`{word}` is not in:\n{}", self.stderr);
        }
        self
    }
}

/// A step of a workflow file; `rest` holds its other fields.
pub fn step(id: &str, needs: &[&str], rest: &str) -> String {
    format!("[[phase.step]]\nid = \"{id}\"\ntitle = \"Step {id}\"\nneeds = {needs:?}\n{rest}\n\n")
}

/// A step that writes its id to `trace`, then runs a line of shell.
pub fn shell(id: &str, needs: &[&str], line: &str, rest: &str) -> String {
    let line = format!("echo {id} >> trace; {line}");
    step(id, needs, &format!("run = [\"sh\", \"-c\", '{line}']\n{rest}"))
}

/// A step that writes its id to `trace` and passes.
pub fn noting(id: &str, needs: &[&str]) -> String {
    shell(id, needs, "true", "")
}

/// Only ends a test that would never end.
const LIMIT: Duration = Duration::from_secs(60);

/// Waits until a condition holds.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < limit, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Processes that bear the mark of a repo's runs, with their names.
pub fn bearers(root: &Path) -> Vec<String> {
    let mark = format!("DB_CHANGE_REPO={}", root.display());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let bears = |process: &PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes())
    };
    let found = entries.map(|entry| entry.path()).filter(bears);
    found
        .map(|process| {
            format!("{} {}", process.display(), fs::read_to_string(process.join("comm")).unwrap_or_default())
        })
        .collect()
}

pub fn alive(id: u32) -> bool {
    rustix::process::test_kill_process(pid(id)).is_ok()
}

/// Ends a whole process group that a test has started.
pub fn end_group(id: u32) {
    let _ = rustix::process::kill_process_group(pid(id), rustix::process::Signal::KILL);
}

fn pid(id: u32) -> rustix::process::Pid {
    rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a test starts the program as a person would")]
fn command(program: &str, home: &Path, cwd: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1").stdin(Stdio::null()).current_dir(cwd);
    command.envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "TMPDIR"));
    command
}
