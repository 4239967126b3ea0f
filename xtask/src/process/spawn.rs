//! Running one command to its end: what it printed, how it ended, and how long it took.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal};

use super::log::LogFile;
use super::rows::Rows;
use super::stream::Stream;
use super::{Log, Mask, environment, interrupt, orphans};
use crate::failure::{Failure, Kind};

/// How long a group has between TERM and KILL.
const GRACE: Duration = Duration::from_secs(5);
/// How long the pipes may stay open after the child has gone (a grandchild may hold them).
const DRAIN: Duration = Duration::from_secs(2);

/// A command to run; the environment is the allow-list plus what `env` adds.
#[derive(Clone)]
pub struct Run {
    pub program: PathBuf,
    pub args: Vec<OsString>,
    pub cwd: PathBuf,
    pub env: BTreeMap<String, String>,
    pub stdin: Option<Vec<u8>>,
    pub timeout: Duration,
    pub mask: Mask,
    /// Receives the streams without secrets and rows.
    pub log: Option<Log>,
    /// User and group to run as (only root may say so).
    pub user: Option<(u32, u32)>,
}

/// How a command ended.
#[derive(Clone, Debug)]
pub struct Output {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub duration: Duration,
}

impl Output {
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// The exit code as a shell would show it: 128 + n for signal n.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or_default())
    }

    /// The last lines of both streams without rows, for an error.
    #[must_use]
    pub fn tail(&self, lines: usize) -> String {
        let both = format!("{}\n{}", Rows::without(self.stdout.trim_end()), Rows::without(self.stderr.trim_end()));
        let kept: Vec<&str> = both.lines().filter(|line| !line.trim().is_empty()).collect();
        kept[kept.len().saturating_sub(lines)..].join("\n")
    }
}

impl Run {
    pub fn new(program: impl Into<PathBuf>, cwd: impl Into<PathBuf>) -> Self {
        Run {
            program: program.into(),
            args: Vec::new(),
            cwd: cwd.into(),
            env: BTreeMap::new(),
            stdin: None,
            timeout: Duration::from_secs(600),
            mask: Mask::default(),
            log: None,
            user: None,
        }
    }

    #[must_use]
    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(input.into());
        self
    }

    /// The command as a person would type it.
    #[must_use]
    pub fn display(&self) -> String {
        let program = self.program.file_name().unwrap_or(self.program.as_os_str()).to_string_lossy().into_owned();
        let args = self.args.iter().map(|arg| quoted(&arg.to_string_lossy()));
        self.mask.apply(&std::iter::once(program).chain(args).collect::<Vec<_>>().join(" "))
    }

    /// The same command as `std` sees it, for long-lived servers; own group, allow-listed environment.
    #[must_use]
    pub fn command(&self) -> Command {
        #[expect(clippy::disallowed_methods, reason = "this is the place that starts children")]
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.cwd).env_clear();
        command.envs(environment::for_children()).envs(&self.env).process_group(0);
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Runs to the end. An exit code other than 0 is not an error here: the caller knows what it proves.
    ///
    /// Errors: the program cannot be started (environment), the time is up (step), or we were interrupted.
    pub fn run(&self) -> Result<Output> {
        let started = Instant::now();
        let mut command = self.command();
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let log = |ending: &str| self.log.as_ref().map(|log| log.stream(ending));
        if let Some(mut log) = log("cmd") {
            // A full disk must not keep a command from running; the step's own proof decides.
            let _ = log.write(format!("{}\n", self.display()).as_bytes());
        }
        let mut child = command.spawn().map_err(|error| {
            Failure::environment(format!("cannot start `{}`: {error}", self.program.display()))
                .hint("run `cargo xtask doctor` to see which tools are found")
        })?;
        if let (Some(input), Some(mut pipe)) = (self.stdin.clone(), child.stdin.take()) {
            // The child may end before it has read everything; its exit code tells.
            thread::spawn(move || pipe.write_all(&input));
        }
        let out = self.drain(child.stdout.take(), log("out"));
        let err = self.drain(child.stderr.take(), log("err"));
        let status = self.wait(&mut child, started)?;
        Ok(Output { status, stdout: collect(&out), stderr: collect(&err), duration: started.elapsed() })
    }

    fn wait(&self, child: &mut Child, started: Instant) -> Result<ExitStatus> {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait().context("waiting for a child")? {
                return Ok(status);
            }
            if interrupt::requested() {
                self.tell(&format!("asked to stop: ending it, {} s at most", GRACE.as_secs()));
                end_group(child);
                return Err(
                    Failure::new(Kind::Step, format!("interrupted while `{}` was running", self.display())).into()
                );
            }
            if started.elapsed() > self.timeout {
                end_group(child);
                let limit = humantime::format_duration(self.timeout);
                return Err(Failure::step(format!("`{}` was ended after {limit}: its time limit", self.display()))
                    .hint("raise `timeout` of the step in the workflow file, or see its log")
                    .into());
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    fn tell(&self, text: &str) {
        if let Some(log) = &self.log {
            log.tell(text);
        }
    }

    fn drain(
        &self,
        pipe: Option<impl Read + Send + 'static>,
        log: Option<LogFile>,
    ) -> std::sync::mpsc::Receiver<Vec<u8>> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (mask, mut log) = (self.mask.clone(), log);
        if let Some(pipe) = pipe {
            thread::spawn(move || {
                let (mut pipe, mut stream, mut rows) = (pipe, Stream::new(mask), Rows::default());
                let mut buffer = [0; 8192];
                let mut tell = |masked: String| {
                    for line in masked.split_inclusive('\n') {
                        let kept = rows.apply(line);
                        if let Some(log) = &mut log {
                            log.line(&kept);
                        }
                    }
                    masked.is_empty() || sender.send(masked.into_bytes()).is_ok()
                };
                while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                    if !tell(stream.push(&buffer[..read])) {
                        return;
                    }
                }
                tell(stream.finish());
            });
        }
        receiver
    }
}

fn collect(receiver: &std::sync::mpsc::Receiver<Vec<u8>>) -> String {
    let deadline = Instant::now() + DRAIN;
    let mut bytes = Vec::new();
    while let Ok(line) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        bytes.extend(line);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Ends a child and all that it started: TERM to its group, grace, KILL.
pub fn end_group(child: &mut Child) {
    signal_group(child.id(), Signal::TERM);
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline {
        if matches!(child.try_wait(), Ok(Some(_))) && !group_alive(child.id()) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    signal_group(child.id(), Signal::KILL);
    let _ = child.wait();
}

/// Sends a signal to a whole process group; a group that is gone already is what we want.
pub fn signal_group(group: u32, signal: Signal) {
    if let Some(group) = pid(group) {
        let _ = rustix::process::kill_process_group(group, signal);
    }
}

fn group_alive(group: u32) -> bool {
    let there = pid(group).is_some_and(|group| rustix::process::test_kill_process_group(group).is_ok());
    there && !orphans::only_zombies(group)
}

fn pid(id: u32) -> Option<Pid> {
    i32::try_from(id).ok().and_then(Pid::from_raw)
}

fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) { arg.to_owned() } else { format!("'{}'", arg.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_time_out_ends_the_grandchildren_too() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sh -c 'echo $$ > {}; exec sleep 60' & wait", pid.display());
        let run = Run::new("/bin/sh", folder.path()).args(["-c", &script]).timeout(Duration::from_millis(300));
        assert!(run.run().unwrap_err().to_string().contains("time limit"));
        let grandchild = std::fs::read_to_string(pid).unwrap();
        let left = std::fs::read_to_string(Path::new("/proc").join(grandchild.trim()).join("stat")).unwrap_or_default();
        assert!(left.is_empty() || left.contains(") Z "), "{left}");
    }

    #[test]
    fn output_is_masked_in_the_log_and_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::new("/bin/sh", folder.path()).args(["-c", "echo secret-word; echo secret-word >&2; exit 3"]);
        run.mask.add("secret-word");
        run.log = Some(Log::at(folder.path().join("01-step")));
        let output = run.run().unwrap();
        assert_eq!((output.code(), output.stdout.as_str(), output.stderr.as_str()), (3, "***\n", "***\n"));
        assert_eq!(std::fs::read_to_string(folder.path().join("01-step.err")).unwrap(), "***\n");
    }

    #[test]
    fn a_stream_that_stays_silent_leaves_no_log_and_a_second_try_adds_to_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = Run::new("/bin/sh", folder.path()).args(["-c", "echo one; echo two"]);
        run.log = Some(Log::at(folder.path().join("01-step")));
        run.run().unwrap();
        run.run().unwrap();
        let log = |ending: &str| std::fs::read_to_string(folder.path().join(format!("01-step.{ending}"))).ok();
        assert_eq!((log("out").as_deref(), log("err")), (Some("one\ntwo\none\ntwo\n"), None));
        assert_eq!(log("cmd").unwrap().lines().count(), 2);
    }
}
