//! A child on a pseudo-terminal: drizzle-kit asks its questions nowhere else.
//!
//! Invariant: the child leads its own session, and leaving the scope ends its whole group.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::Signal;

use super::spawn::signal_group;
use super::{Run, environment};
use crate::failure::Failure;

const GRACE: Duration = Duration::from_secs(5);
/// Wide and high enough that no question wraps or scrolls.
const SIZE: PtySize = PtySize { rows: 60, cols: 240, pixel_width: 0, pixel_height: 0 };

pub struct Session {
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    writer: Box<dyn Write + Send>,
    status: Option<ExitStatus>,
    // Closing it hangs up on the child.
    _master: Box<dyn MasterPty + Send>,
}

/// What came of waiting for output.
pub enum Read1 {
    Bytes(Vec<u8>),
    Quiet,
    Ended,
}

impl Session {
    /// Starts a command on a terminal of its own; environment and folder are those of `run`.
    pub fn start(run: &Run) -> Result<Session> {
        let pair = native_pty_system()
            .openpty(SIZE)
            .map_err(|error| Failure::environment(format!("cannot open a pseudo-terminal: {error}")))?;
        let mut argv: Vec<OsString> = vec![run.program.clone().into_os_string()];
        argv.extend(run.args.iter().cloned());
        let mut command = CommandBuilder::from_argv(argv);
        command.cwd(&run.cwd);
        command.env_clear();
        for (name, value) in environment::for_children().iter().chain(&run.env) {
            command.env(name, value);
        }
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).map_err(|error| {
            Failure::environment(format!("cannot start `{}`: {error}", run.program.display()))
                .hint("run `cargo xtask doctor` to see which tools are found")
        })?;
        // Our copy of the child's side must go, or its end is never seen.
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().context("reading a pseudo-terminal")?;
        let writer = pair.master.take_writer().context("writing to a pseudo-terminal")?;
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0_u8; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Ok(Session { child, output, writer, status: None, _master: pair.master })
    }

    /// Waits for output for at most `patience`.
    pub fn read(&mut self, patience: Duration) -> Result<Read1> {
        match self.output.recv_timeout(patience) {
            Ok(bytes) => Ok(Read1::Bytes(bytes)),
            Err(RecvTimeoutError::Disconnected) => Ok(Read1::Ended),
            // A grandchild may hold the terminal open after the child itself has gone.
            Err(RecvTimeoutError::Timeout) => Ok(if self.ended()? { Read1::Ended } else { Read1::Quiet }),
        }
    }

    pub fn send(&mut self, keys: &[u8]) -> Result<()> {
        self.writer.write_all(keys).and_then(|()| self.writer.flush()).context("writing to a pseudo-terminal")
    }

    fn ended(&mut self) -> Result<bool> {
        if self.status.is_none() {
            self.status = self.child.try_wait().context("waiting for a child")?;
        }
        Ok(self.status.is_some())
    }

    /// The exit code of a child that has closed its terminal; it has a moment to leave.
    pub fn exit_code(&mut self) -> Result<Option<u32>> {
        let deadline = Instant::now() + GRACE;
        while !self.ended()? && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        Ok(self.status.as_ref().map(ExitStatus::exit_code))
    }

    /// TERM to the group, grace, KILL.
    fn end(&mut self) {
        let Some(group) = self.child.process_id() else { return };
        if self.status.is_none() {
            signal_group(group, Signal::TERM);
            let deadline = Instant::now() + GRACE;
            while matches!(self.ended(), Ok(false)) && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(20));
            }
            // The direct child going first must not spare the others.
            signal_group(group, Signal::KILL);
            if self.status.is_none() {
                self.status = self.child.wait().ok();
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_a_terminal_and_ends_with_its_session() {
        let run = Run::new("/bin/sh", "/").args(["-c", "test -t 0 && test -t 1 && echo yes; sleep 60 & wait"]);
        let mut session = Session::start(&run).unwrap();
        let mut seen = String::new();
        while !seen.contains("yes") {
            match session.read(Duration::from_secs(5)).unwrap() {
                Read1::Bytes(bytes) => seen.push_str(&String::from_utf8_lossy(&bytes)),
                _ => panic!("no answer: {seen}"),
            }
        }
        let group = session.child.process_id().unwrap();
        drop(session);
        let group = rustix::process::Pid::from_raw(i32::try_from(group).unwrap()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(3);
        while rustix::process::test_kill_process_group(group).is_ok() {
            assert!(Instant::now() < deadline, "the group is still alive");
            thread::sleep(Duration::from_millis(10));
        }
    }
}
